import { describe, expect, it } from 'vitest';
import { otherShape } from './support/shape.ts';

const NODES = `NAME                STATUS   AGE    VERSION         INTERNAL-IP
wireguard-worker    Ready    46s    v1.32.0+wglab   172.18.0.3
wireguard-worker2   Ready    1m2s   v1.32.0+wglab   172.18.0.4`;

describe('the same shape', () => {
  it.each([
    ['itself', NODES, NODES],
    [
      'other numbers, widths, ages and addresses',
      NODES,
      NODES.replaceAll(/ {2,}/g, '  ').replaceAll(/46s|1m2s/g, '2d3h'),
    ],
    ['another worker', 'FRONT=wireguard-worker2', 'FRONT=wireguard-worker'],
    ['other pods', 'pod/nc-87hnj on x\nfrontend-ffv2lmpkjv-85rzp', 'pod/nc-bcdf2 on x\nfrontend-6d7fplzrv5-s9ntp'],
    [
      'other keys',
      'peer: TIKb5WEiJ8E9xr3Om1BbPlv+3oVjcFCGqGqc2yXZ5X0=',
      'peer: Mcrc48g4krEnWCGmhV80x7k8eGzisyv2DlHl+ilDvik=',
    ],
    [
      'pods in another order',
      'nc-87hnj   node-a   1s\nnc-bcdf2   node-b   1s',
      'nc-22222 node-b 1s\nnc-zzzzz node-a 1s',
    ],
    ['other bytes', '  0x0000:  4500 007c  E..|', '        0x0010:  ac12 0003  ...x'],
    ['other hexadecimal numbers', 'sender 2f6e7f3a', 'sender 01234567'],
    ['other times', '22:03:38.205981 IP 10.0.0.1.5 > fd00::2', '01:00:00.000001 IP 10.2.0.1.50080 > fe80::1:2'],
    ['other addresses before a colon', 'IP6 fd00::1:82 > fd00::b1: ICMP6', 'IP6 fd00::a > fd00:10::4:f0c1: ICMP6'],
    ['another age of a handshake', 'latest handshake: 1 minute, 3 seconds ago', 'latest handshake: Now'],
    ['other amounts', 'transfer: 1.20 KiB received, 92 B sent', 'transfer: 92 B received, 3.4 MiB sent'],
    [
      'another machine',
      'a <none> Debian GNU/Linux 12 (bookworm) 6.18.44-fc wglab://0.1.0',
      'a <none> Ubuntu 24.04 6.8.0-31-generic wglab://0.2.0',
    ],
    ['lines left out at the beginning', '...\nb\nc', 'x\ny\nb\nc'],
    ['lines left out in the middle', 'a\n...\nb\n...\nc', 'a\nb\nx\nb\nc'],
    ['lines left out at the end', 'a\n...', 'a\nb\nc'],
    ['no lines left out', '...\na\n...\nb\n...', 'a\nb'],
    ['text left out', 'Bearer eyJ…, admin', 'Bearer eyJabc.def, admin'],
    ['other bytes, which may look like ages and times', '46  4d 1d c7', '46  de d4 10'],
    ['another hardware address', '02:42:ac:12:00:03', '02:42:10:12:00:fe'],
    ['colours', 'it passes', '\u001b[32mit passes\u001b[39m\n'],
  ])('%s', (_, example, real) => expect(otherShape(example, real)).toBeUndefined());
});

describe('another shape', () => {
  it.each([
    ['another word', 'it is on', 'it is off'],
    ['a line too many', 'a', 'a\nb'],
    ['a line too few', 'a\nb', 'a'],
    ['nothing', 'a', ''],
    ['another order', 'a\n...\nb', 'b\na'],
    ['an end that does not fit', '...\na', 'a\nb'],
    ['one line for two', 'a\n...\na', 'a'],
    ['a word where there was a number', 'peers: 2', 'peers: none'],
    ['a node that is no worker', 'FRONT=wireguard-worker2', 'FRONT=wireguard-control-plane'],
    ['a word that looks like the end of a pod', 'nc-hello', 'nc-world'],
    ['a key that is cut', 'peer: TIKb5WEiJ8E9xr3Om1BbPlv+3oVjcFCGqGqc2yXZ5X0=', 'peer: TIKb5WEiJ8E9xr3'],
    ['text that was not left out', 'Bearer eyJ…, admin', 'Basic eyJabc, admin'],
  ])('%s', (_, example, real) => expect(otherShape(example, real)).toEqual(expect.any(String)));
});
