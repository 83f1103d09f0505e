import { expect, it } from 'vitest';
import { keysOf } from '../../../src/workshop/screen/keys.ts';

const names = (text: string) => keysOf(text).pressed.map((one) => (one.kind === 'key' ? one.key : one.kind));

it('tells keys apart that come together', () => {
  expect(names('d\u001b[A\u001bOB\u001b[6~ \r\u0003n')).toEqual([
    'd',
    'up',
    'down',
    'page-down',
    'space',
    'enter',
    'ctrl-c',
    'n',
  ]);
  expect(names('\u001b')).toEqual(['escape']);
  expect(names('\u001b\u001b[A')).toEqual(['escape', 'up']);
});

it('ignores keys that it does not know, whole', () => {
  expect(names('\u001b[15~q\u001b[1;5Aq\u001bdq')).toEqual(['q', 'q', 'q']);
});

it('takes pasted text for no keys, also when it comes in parts', () => {
  expect(names('a\u001b[200~kubectl get pods\nd\u001b[201~b')).toEqual(['a', 'paste', 'b']);
  const { pressed, rest } = keysOf('\u001b[200~kube');
  expect(pressed).toEqual([]);
  expect(names(`${rest}ctl\u001b[201~`)).toEqual(['paste']);
});
