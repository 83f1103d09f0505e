/**
 * The schema of every kind, in one compact text that everything is derived from: strict decoding, defaults, validation,
 * OpenAPI documents, and the keys of strategic merge and server-side apply. A text reads:
 *
 *     ContainerPort                       a struct begins in the first column; `Name~` is atomic for server-side apply
 *       name hostPort:int32               a field is a string unless it names a type
 *       containerPort!:int32              `!`: required
 *       protocol(TCP|UDP|SCTP)=TCP        an enumeration, and a default
 *     PodSpec
 *       nodeSelector:{}~                  a map of strings, atomic
 *       containers!:[Container]<name>     a list that merges by a key (several with `+`; a set of scalars is `<>`)
 *       volumes:[Volume]<name>^           `^`: strategic merge retains only the keys that a patch names
 *       ...OtherStruct                    takes over the fields of another struct
 */
export type Schema = ScalarSchema | AnySchema | MapSchema | ListSchema | StructSchema;

export type ScalarType =
  | 'string'
  | 'bool'
  | 'int32'
  | 'int64'
  | 'number'
  | 'quantity'
  | 'intOrString'
  | 'time'
  | 'microTime'
  | 'bytes';

export interface ScalarSchema {
  readonly type: 'scalar';
  readonly scalar: ScalarType;
  readonly values?: readonly string[];
}

/** Anything at all, kept as it came (RawExtension, parts of foreign resources that nothing here reads). */
export interface AnySchema {
  readonly type: 'any';
}

export interface MapSchema {
  readonly type: 'map';
  readonly values: Schema;
  readonly atomic: boolean;
}

export interface ListSchema {
  readonly type: 'list';
  readonly items: Schema;
  /** Keys of an associative list; empty for a set; undefined for an atomic list. */
  readonly keys?: readonly string[];
}

export interface StructSchema {
  readonly type: 'struct';
  readonly name: string;
  readonly atomic: boolean;
  readonly fields: ReadonlyMap<string, Field>;
}

export interface Field {
  readonly name: string;
  readonly schema: Schema;
  readonly required: boolean;
  readonly retainKeys: boolean;
  readonly default?: unknown;
}

const SCALARS = new Set<string>([
  'string',
  'bool',
  'int32',
  'int64',
  'number',
  'quantity',
  'intOrString',
  'time',
  'microTime',
  'bytes',
]);

interface MutableStruct {
  readonly type: 'struct';
  readonly name: string;
  readonly atomic: boolean;
  readonly fields: Map<string, Field>;
}

/** Reads struct definitions. Throws on a text that does not follow the grammar or names an unknown struct. */
export function readStructs(...texts: readonly string[]): ReadonlyMap<string, StructSchema> {
  const structs = new Map<string, MutableStruct>();
  const pending: { struct: MutableStruct; words: string[] }[] = [];
  for (const line of texts.flatMap((text) => text.split('\n'))) {
    if (line.trim() === '' || line.trim().startsWith('#')) continue;
    if (/^\S/.test(line)) {
      const name = line.trim();
      const struct: MutableStruct = {
        type: 'struct',
        name: name.replace('~', ''),
        atomic: name.endsWith('~'),
        fields: new Map(),
      };
      if (structs.has(struct.name)) throw new Error(`schema: ${struct.name} is defined twice`);
      structs.set(struct.name, struct);
      pending.push({ struct, words: [] });
    } else {
      pending.at(-1)?.words.push(...line.trim().split(/\s+/));
    }
  }
  for (const { struct, words } of pending) {
    for (const word of words) addField(struct, word, structs);
  }
  return structs;
}

function addField(struct: MutableStruct, word: string, structs: ReadonlyMap<string, MutableStruct>): void {
  if (word.startsWith('...')) {
    for (const field of structs.get(word.slice(3))?.fields.values() ?? []) struct.fields.set(field.name, field);
    return;
  }
  const parts = /^([\w-]+)(!?)(?::([^=(^]+))?(?:\(([^)]*)\))?(\^?)(?:=(.*))?$/.exec(word);
  if (!parts) throw new Error(`schema: ${struct.name}: cannot read "${word}"`);
  const [, name = '', required, type = 'string', values, retainKeys, fallback] = parts;
  const schema = readType(type, values?.split('|'), structs);
  struct.fields.set(name, {
    name,
    schema,
    required: required === '!',
    retainKeys: retainKeys === '^',
    ...(fallback === undefined ? {} : { default: readDefault(fallback, schema) }),
  });
}

function readType(type: string, values: string[] | undefined, structs: ReadonlyMap<string, StructSchema>): Schema {
  const list = /^\[(.*)\](?:<(.*)>)?$/.exec(type);
  if (list) {
    const items = readType(list[1] || 'string', values, structs);
    return { type: 'list', items, ...(list[2] === undefined ? {} : { keys: list[2].split('+').filter(Boolean) }) };
  }
  const map = /^\{(.*)\}(~?)$/.exec(type);
  if (map) return { type: 'map', values: readType(map[1] || 'string', values, structs), atomic: map[2] === '~' };
  if (type === 'any') return { type: 'any' };
  if (SCALARS.has(type)) return { type: 'scalar', scalar: type as ScalarType, ...(values ? { values } : {}) };
  const struct = structs.get(type);
  if (!struct) throw new Error(`schema: there is no struct "${type}"`);
  return struct;
}

function readDefault(text: string, schema: Schema): unknown {
  return schema.type === 'scalar' && ['string', 'quantity', 'time'].includes(schema.scalar) ? text : JSON.parse(text);
}
