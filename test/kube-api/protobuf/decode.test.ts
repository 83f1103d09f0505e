import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeProtobuf, ProtobufError } from '../../../src/kube-api/protobuf/decode.ts';

const text = (number: number, value: string | Buffer): Buffer => {
  const body = Buffer.from(value);
  if (body.length > 127) throw new Error('this helper writes short fields only');
  return Buffer.concat([Buffer.from([(number << 3) | 2, body.length]), body]);
};
const varint = (number: number, value: number) => Buffer.from([number << 3, value]);
const envelope = (apiVersion: string, kind: string, message: Buffer) => {
  const type = Buffer.concat([text(1, apiVersion), text(2, kind)]);
  return Buffer.concat([Buffer.from('k8s\0'), text(1, type), text(2, message), text(3, ''), text(4, '')]);
};

describe('decodeProtobuf', () => {
  it('reads metadata, maps, lists, bytes, and embedded messages', () => {
    const label = Buffer.concat([text(1, 'app'), text(2, 'nc')]);
    const metadata = Buffer.concat([
      text(1, 'made'),
      text(3, ''),
      text(8, ''),
      text(11, label),
      text(14, 'a'),
      text(14, 'b'),
    ]);
    const secret = Buffer.concat([text(1, metadata), text(2, Buffer.concat([text(1, 'key'), text(2, 'b')]))]);
    expect(decodeProtobuf(envelope('v1', 'Secret', secret))).toEqual({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'made', labels: { app: 'nc' }, finalizers: ['a', 'b'] },
      data: { key: 'Yg==' },
    });
  });

  it('keeps a zero only where it says something', () => {
    const spec = Buffer.concat([varint(1, 0), varint(5, 0), varint(7, 0)]);
    expect(decodeProtobuf(envelope('apps/v1', 'Deployment', text(2, spec)))).toMatchObject({ spec: { replicas: 0 } });
    const decoded = decodeProtobuf(envelope('apps/v1', 'Deployment', text(2, spec)));
    expect(decoded.spec).toEqual({ replicas: 0 });
  });

  it('refuses what it does not know, rather than losing it', () => {
    expect(() => decodeProtobuf(envelope('v1', 'ConfigMap', varint(15, 1)))).toThrow(ProtobufError);
    expect(() => decodeProtobuf(envelope('v1', 'VolumeSource', Buffer.alloc(0)))).toThrow(ProtobufError);
    expect(() => decodeProtobuf(envelope('batch/v1', 'Job', Buffer.alloc(0)))).toThrow(ProtobufError);
  });

  it('survives anything', () => {
    const kinds = fc.constantFrom('Pod', 'Deployment', 'Service', 'Namespace', 'DeleteOptions', 'Event');
    fc.assert(
      fc.property(kinds, fc.uint8Array({ maxLength: 100 }), (kind, bytes) => {
        try {
          decodeProtobuf(envelope('v1', kind, Buffer.from(bytes)));
        } catch (error) {
          expect(error instanceof ProtobufError || error instanceof RangeError).toBe(true);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
