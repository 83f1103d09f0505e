import * as models from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { CORE } from '../../../src/kube-api/schema/core.ts';
import { readStructs, type Schema } from '../../../src/kube-api/schema/dsl.ts';
import { META } from '../../../src/kube-api/schema/meta.ts';
import { PODS } from '../../../src/kube-api/schema/pods.ts';

interface Attribute {
  baseName: string;
  type: string;
  format: string;
}

/** The generated client knows every field of Kubernetes' kinds: what the schema is held against. */
function attributesOf(struct: string): Attribute[] | undefined {
  const names: Record<string, string> = {
    Event: 'CoreV1Event',
    EventSeries: 'CoreV1EventSeries',
    CoreEndpointPort: 'CoreV1EndpointPort',
    EndpointPort: 'DiscoveryV1EndpointPort',
    ResourceClaim: 'CoreV1ResourceClaim',
  };
  const model: unknown = Reflect.get(models, names[struct] ?? `V1${struct}`);
  if (typeof model !== 'function' || !('getAttributeTypeMap' in model)) return undefined;
  return (model.getAttributeTypeMap as () => Attribute[])();
}

function fits(schema: Schema, { type, format }: Attribute): boolean {
  if (schema.type === 'any') return true;
  if (schema.type === 'list') return type.startsWith('Array<');
  if (schema.type === 'map') return type.startsWith('{');
  if (schema.type === 'struct') return type.endsWith(schema.name.replace(/^Core/, ''));
  const types: Record<string, string[]> = {
    bool: ['boolean'],
    int32: ['number int32'],
    int64: ['number int64'],
    intOrString: ['IntOrString'],
    time: ['Date'],
    microTime: ['V1MicroTime', 'Date'],
  };
  const wanted = types[schema.scalar] ?? ['string'];
  return wanted.includes(type) || wanted.includes(`${type} ${format}`);
}

const structs = [...readStructs(META, PODS, CORE).values()].filter((struct) => attributesOf(struct.name));

describe('the schema against the fields that the generated client knows', () => {
  it('covers the kinds of Kubernetes', () => {
    expect(structs.length).toBeGreaterThan(120);
  });

  it.each(structs.map((struct) => [struct.name, struct] as const))(
    '%s has the same fields and types',
    (name, struct) => {
      const attributes = attributesOf(name) ?? [];
      expect([...struct.fields.keys()].sort()).toEqual(attributes.map((a) => a.baseName).sort());
      const misfits = attributes.filter((a) => {
        const field = struct.fields.get(a.baseName);
        return !field || !fits(field.schema, a);
      });
      expect(misfits).toEqual([]);
    },
  );
});

describe('readStructs', () => {
  it.each([
    ['A\n  b:Nowhere', 'there is no struct "Nowhere"'],
    ['A\n  b:[', 'there is no struct'],
    ['A\n  b!!', 'cannot read "b!!"'],
    ['A\n  b\nA\n  c', 'A is defined twice'],
  ])('refuses %j', (text, message) => {
    expect(() => readStructs(text)).toThrow(message);
  });
});
