/** A member's name goes in, a segment of a JSON Pointer comes out; and back. RFC 6901 section 3. */

export function escapePointer(segment: string): string {
  return segment.replaceAll('~', '~0').replaceAll('/', '~1');
}

export function unescapePointer(segment: string): string {
  return segment.replaceAll('~1', '/').replaceAll('~0', '~');
}
