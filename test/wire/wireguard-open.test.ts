import { expect, test } from 'vitest';
import { openInitiation, publicKeyOf } from '../../src/wire/wireguard-open.ts';

/** The initiation that one Linux node with cilium_wg0 sent to another. */
const INITIATION = Buffer.from(
  '01000000d91ccf537da69cf0bcd7ae2248d2c43b5bb8351116e7f437ad13e99b40567e5d52adcd407c6eb9a517824c6a414f3676d16c572398946b1500f7c3d56b5011740b072f87e4ea0f918a133f307338a6c515be4eb542b6dab5920992d3c3bf4bfea06d97094a9af322047a9ebab60757705be7df297625ed061bd57a194ee1d5a800000000000000000000000000000000',
  'hex',
);
const RECEIVER = Buffer.from('6FyfbysAzN56a7+helgtttCoYHF3x4vP2PtBJ8K8+GE=', 'base64');

test("the receiver's private key opens an initiation: who began it, and when", () => {
  const opened = openInitiation(INITIATION, RECEIVER);
  expect(Buffer.from(opened?.initiator ?? []).toString('base64')).toBe('8ruVg1epIfporzHZqWG8qMKpok37pL43TSqgaoFD8FU=');
  expect(new Date(opened?.time ?? 0).getUTCFullYear()).toBe(2026);
});

test('no other key opens it, and nothing opens it with one bit changed in what is authenticated', () => {
  expect(openInitiation(INITIATION, Buffer.alloc(32, 9))).toBeUndefined();
  // The index and both MACs are not part of the handshake's transcript.
  for (let bit = 8 * 8; bit < 116 * 8; bit += 5) {
    // The highest bit of a public key is ignored by X25519, but not by the transcript.
    const changed = Buffer.from(INITIATION);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    expect(openInitiation(changed, RECEIVER), `bit ${bit}`).toBeUndefined();
  }
});

test('what is no initiation is not opened', () => {
  expect(openInitiation(INITIATION.subarray(0, 147), RECEIVER)).toBeUndefined();
  const response = Buffer.from(INITIATION);
  response[0] = 2;
  expect(openInitiation(response, RECEIVER)).toBeUndefined();
});

test('a public key is computed from a private one', () => {
  expect(publicKeyOf(RECEIVER)).toHaveLength(32);
  expect(publicKeyOf(RECEIVER)).not.toEqual(publicKeyOf(Buffer.alloc(32, 9)));
});
