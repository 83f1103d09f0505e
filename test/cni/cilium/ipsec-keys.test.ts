import { describe, expect, test } from 'vitest';
import { deriveKey } from '../../../src/cni/cilium/keys/derive.ts';
import { IpsecSecretError, parseIpsecSecret } from '../../../src/cni/cilium/keys/ipsec-secret.ts';

const PSK = 'da630c6acdbef2757ab7f5215b8b1811420e3f61';
const BOOT_ID = '0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0';
const psk = Buffer.from(PSK, 'hex');
const a = { address: '172.18.0.3', bootId: BOOT_ID };
const b = { address: '172.18.0.4', bootId: BOOT_ID };

describe('a derived key', () => {
  test('is what computeNodeIPsecKey of Cilium returns, one for each direction', () => {
    expect(deriveKey({ psk }, a, b).toString()).toBe(
      Buffer.from('72136d285dd74d8903d70a918043d91db5ad5217', 'hex').toString(),
    );
    expect(Buffer.from(deriveKey({ psk }, b, a)).toString('hex')).toBe('f061d67016f76d829beb91df5b6522e71b41874d');
  });

  test('depends on the boot ids in order, and only on their first 36 characters', () => {
    const rebooted = { ...b, bootId: '6c0b4b8e-1f5e-4b1e-9c2d-0123456789ab' };
    const key = deriveKey({ psk }, a, rebooted);
    expect(key).not.toEqual(deriveKey({ psk }, a, b));
    expect(deriveKey({ psk }, a, { ...rebooted, bootId: `${rebooted.bootId}\n` })).toEqual(key);
    expect(deriveKey({ psk }, { ...a, bootId: rebooted.bootId }, b)).not.toEqual(key);
  });

  test('of another study of the source is the same', () => {
    const bootId = '6c0b4b8e-1f5e-4b1e-9c2d-0123456789ab';
    const key = deriveKey({ psk }, { address: '172.18.0.3', bootId }, { address: '172.18.0.2', bootId });
    expect(Buffer.from(key).toString('hex')).toBe('39c15d5f9d84138b24c29a0fc4fdc152ee6b74a1');
  });

  test("has the length of the Secret's key, with SHA-512 if that is longer than 32 bytes", () => {
    expect(deriveKey({ psk: Buffer.alloc(36, 7) }, a, b)).toHaveLength(36);
  });

  test('of what is no address is refused', () => {
    expect(() => deriveKey({ psk }, { ...a, address: 'node-a' }, b)).toThrow('no IP address: node-a');
  });
});

describe('the text of the Secret', () => {
  const gcm = (id: string, hex = PSK, icv = '128') => `${id} rfc4106(gcm(aes)) ${hex} ${icv}`;

  test('is read with its id, plus sign, key and ICV', () => {
    expect(parseIpsecSecret(gcm('3+'))).toEqual({
      id: 3,
      plus: true,
      algorithm: 'rfc4106(gcm(aes))',
      psk,
      icvBits: 128,
    });
    expect(parseIpsecSecret(`${gcm('15', `0x${PSK}`)}\n`)).toMatchObject({ id: 15, plus: false, psk });
  });

  test('of several lines counts with its last one', () => {
    expect(parseIpsecSecret(`${gcm('3+')}\n${gcm('4+', 'ab'.repeat(20))}`).id).toBe(4);
  });

  test.each([
    ['', 'missing IPSec key or invalid format'],
    ['3+', 'missing IPSec key or invalid format'],
    [gcm('0'), 'zero is not a valid key ID. ID must be nonzero and less than 16. Attempted "0"'],
    [gcm('16+'), 'encryption key space exhausted. ID must be nonzero and less than 16. Attempted "16"'],
    [gcm('x'), 'the first argument of the IPsec secret is not a number. Attempted "x"'],
    [gcm('3', 'zz'), 'unable to decode AEAD key string'],
    [gcm('3', PSK.slice(1)), 'unable to decode AEAD key string'],
    [gcm('3', PSK, 'x'), 'ICV length is invalid or missing'],
    [gcm('3', PSK, '64'), 'only ICV lengths 96, 128, and 256 are accepted'],
    [gcm('3', PSK, '256'), 'at most 128'],
    [gcm('3', PSK.slice(2)), 'a key of 19 bytes'],
    [`3 gcm(aes) ${PSK} 128`, 'invalid AEAD algorithm "gcm(aes)"'],
    [`3 rfc4309(ccm(aes)) ${PSK} 128`, 'unknown AEAD algorithm "rfc4309(ccm(aes))"'],
    [`3 hmac(sha256) ${PSK} cbc(aes) ${PSK}`, 'hmac(sha256) is not an AEAD algorithm'],
    [`${gcm('3')} a b c`, 'too many fields'],
    [`${gcm('3')}\n${gcm('3', 'ab'.repeat(20))}`, 'changing IPSec keys requires incrementing the key id'],
    [`${gcm('3')}\n\n`, 'missing IPSec key or invalid format'],
  ])('%# is refused with the words of the agent', (text, words) => {
    expect(() => parseIpsecSecret(text)).toThrow(IpsecSecretError);
    expect(() => parseIpsecSecret(text)).toThrow(words);
  });

  test('that is wrong is named by its line, and no error repeats a key', () => {
    const errorOf = (text: string): IpsecSecretError => {
      try {
        parseIpsecSecret(text);
      } catch (error) {
        return error as IpsecSecretError;
      }
      throw new Error('no error');
    };
    expect(errorOf(`${gcm('3')}\n${gcm('17')}`).line).toBe(2);
    for (const text of [gcm('3', `${PSK}zz`), `${PSK} rfc4106(gcm(aes)) 3 128`, gcm('3', PSK.slice(2))]) {
      expect(errorOf(text).message).not.toContain(PSK.slice(0, 8));
    }
  });
});
