/**
 * Each draft of JSON Schema that can be checked; ajv's class for it comes out, loaded when it is first asked for. CommonJS in both
 * builds: its `require` loads late, at once, and where bundlers see it. Loading ajv takes longer than loading all the rest, and
 * most apps declare no schema, or schemas of one draft.
 */
exports.draft07 = () => require('ajv').Ajv;
exports.draft2019 = () => require('ajv/dist/2019.js').Ajv2019;
exports.draft2020 = () => require('ajv/dist/2020.js').Ajv2020;
/** The rules of `format`. */
exports.formats = () => require('ajv-formats/dist/formats.js').fullFormats;
