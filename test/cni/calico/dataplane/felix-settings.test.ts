import { expect, test } from 'vitest';
import { felixProblems, felixSettings } from '../../../../src/cni/calico/dataplane/felix-settings.ts';

test('without a word, the settings are Calico’s defaults', () => {
  expect(felixSettings([])).toEqual({
    wireguardEnabled: false,
    wireguardInterfaceName: 'wireguard.cali',
    wireguardListeningPort: 51820,
    wireguardMTU: 0,
    wireguardEnabledV6: false,
    wireguardInterfaceNameV6: 'wg-v6.cali',
    wireguardListeningPortV6: 51821,
    wireguardMTUV6: 0,
    wireguardRoutingRulePriority: 99,
    wireguardKeepAlive: 0,
    vxlanVNI: 4096,
    vxlanPort: 4789,
    vxlanMTU: 0,
    vxlanMTUV6: 0,
  });
});

test('a node’s own configuration wins over the default, field by field', () => {
  const settings = felixSettings([
    { wireguardEnabled: true, wireguardKeepAlive: '1m30s', logSeverityScreen: 'Info' },
    { wireguardEnabled: false, wireguardMTU: null },
  ]);
  expect(settings).toMatchObject({ wireguardEnabled: false, wireguardKeepAlive: 90, wireguardMTU: 0 });
});

test.each([
  ['25s', 25],
  ['0s', 0],
  ['2m', 120],
  ['1500ms', 1],
])('keepalive %s is %i seconds', (text, seconds) => {
  expect(felixSettings([{ wireguardKeepAlive: text }]).wireguardKeepAlive).toBe(seconds);
});

test.each([
  ['wireguardEnabled', 'true'],
  ['wireguardListeningPort', 0],
  ['wireguardListeningPort', 65536],
  ['wireguardListeningPort', '51820'],
  ['wireguardMTU', -1],
  ['wireguardMTU', 1440.5],
  ['wireguardRoutingRulePriority', 0],
  ['wireguardRoutingRulePriority', 32766],
  ['wireguardKeepAlive', 25],
  ['wireguardKeepAlive', '25'],
  ['wireguardKeepAlive', '1.5s'],
  ['wireguardKeepAlive', '19h'],
  ['wireguardInterfaceName', 'sixteen-letters-'],
  ['wireguardInterfaceName', 'wg0 type dummy'],
  ['wireguardInterfaceName', 'wg0\nlink delete eth0'],
  ['wireguardInterfaceName', '-batch'],
  ['wireguardInterfaceName', 'eth0'],
  ['vxlanVNI', 16777216],
  ['wireguardHostEncryptionEnabled', true],
])('%s: %j is refused by name', (field, value) => {
  expect(felixProblems({ [field]: value })).toEqual([{ field, message: expect.any(String) }]);
  expect(() => felixSettings([{ [field]: value }])).toThrow(field);
});
