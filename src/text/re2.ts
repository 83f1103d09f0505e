/** RE2's engine, in a module of ours: one that is loaded when first needed must not be a package's. */
export { RE2JS } from 're2js';
