/** Clients, runners and engines write what the expressions of lib/ read: none may backtrack without end. */
import { readdirSync, readFileSync } from 'node:fs';
import ts from 'typescript';
import { backtracksWithoutEnd } from '../../lib/shared/pattern-cost.js';

const lib = new URL('../../lib/', import.meta.url);
const files = readdirSync(lib, { recursive: true, encoding: 'utf8' }).filter((path) =>
  /\.(ts|cjs)$/.test(path),
);

const literals = files.flatMap((path) => {
  const text = readFileSync(new URL(path, lib), 'utf8');
  const found: [path: string, literal: string][] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isRegularExpressionLiteral(node)) found.push([path, node.text]);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.Latest));
  return found;
});

describe('a regular expression of lib/', () => {
  it.each(literals)('does not backtrack without end: %s %s', (_path, literal) => {
    const source = literal.slice(1, literal.lastIndexOf('/'));
    expect(backtracksWithoutEnd(source)).toBe(false);
  });
});
