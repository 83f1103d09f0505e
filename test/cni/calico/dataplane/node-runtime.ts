import { expect, vi } from 'vitest';
import { planChanges } from '../../../../src/cni/calico/dataplane/changes.ts';
import { desiredState } from '../../../../src/cni/calico/dataplane/felix.ts';
import { familiesOf } from '../../../../src/cni/calico/dataplane/mtu.ts';
import { READ_COMMANDS, type ReadCommand, readState } from '../../../../src/cni/calico/dataplane/read-state.ts';
import type { ChangeStep, ClusterView, NodeState, SysctlWrite } from '../../../../src/cni/calico/dataplane/types.ts';
import type { Holder } from './holder.ts';

/** The least that runs plans on a node that is a process in namespaces of its own. */
export class NodeRuntime {
  readonly name: string;
  readonly pid: number;
  readonly #holder: Holder;

  constructor(holder: Holder, name: string, pid: number) {
    this.#holder = holder;
    this.name = name;
    this.pid = pid;
  }

  run(argv: readonly string[], input = ''): Promise<string> {
    return this.#holder.run(['nsenter', '-t', `${this.pid}`, '-n', '-m', '--', ...argv], input);
  }

  batch(lines: readonly string[], tool = 'ip'): Promise<string> {
    return this.run([...tool.split(' '), '-batch', '-'], `${lines.join('\n')}\n`);
  }

  async sysctl(writes: readonly SysctlWrite[]): Promise<void> {
    for (const { path, value, optional } of writes) {
      await this.run(['sysctl', '-q', ...(optional ? ['-e'] : []), '-w', `${path}=${value}`]);
    }
  }

  async read(interfaceNames: readonly string[]): Promise<NodeState> {
    const { ip, rules6, bridge, wg, sysctl } = READ_COMMANDS;
    const output = ({ command, arguments: words, input }: ReadCommand) => this.run([command, ...words], input);
    const outputs = {
      ip: await output(ip),
      rules6: await output(rules6),
      bridge: await output(bridge),
      wg: await output(wg),
      sysctl: await output(sysctl),
    };
    return readState(outputs, interfaceNames);
  }

  /** Brings the node to what the view says, checks by reading back that nothing is left to do, and gives what there is. */
  async converge(view: ClusterView): Promise<NodeState> {
    const devices = familiesOf(view).map(({ felix }) => felix.wireguardInterfaceName);
    const desired = desiredState(view, this.name);
    for (const step of planChanges(await this.read(devices), desired).steps) await this.#take(step);
    const state = await this.read(devices);
    expect(planChanges(state, desired), this.name).toEqual({ steps: [] });
    return state;
  }

  async #take(step: ChangeStep): Promise<void> {
    if (step.kind === 'batch') await this.batch(step.lines, step.tool);
    else if (step.kind === 'sysctl') await this.sysctl(step.writes);
    else if (step.kind === 'wgSet') await this.run(['wg', 'set', ...step.arguments]);
    else if (step.kind === 'createWireguard') await this.#createWireguard(step.name);
    else await this.#removeWireguard(step.name);
  }

  /** wireguard-go ends when its device is deleted, and takes its socket away a moment later. */
  async #removeWireguard(name: string): Promise<void> {
    await this.run(['ip', 'link', 'delete', 'dev', name]);
    await vi.waitUntil(async () => !(await this.run(['wg', 'show', 'interfaces'])).split(/\s/).includes(name), {
      timeout: 20_000,
      interval: 10,
    });
  }

  /** Creates the device in the kernel if it can, else with wireguard-go. */
  async #createWireguard(name: string): Promise<void> {
    const enter = ['nsenter', '-t', `${this.pid}`, '-n', '-m', '--'];
    const { code } = await this.#holder.try([...enter, 'ip', 'link', 'add', name, 'type', 'wireguard']);
    if (code !== 0) await this.run(['wireguard-go', name]);
    await vi.waitUntil(async () => (await this.#holder.try([...enter, 'wg', 'show', name])).code === 0, {
      timeout: 20_000,
      interval: 10,
    });
    // A pipe of the shell's: the standard input of Node's children is a socket, which `wg` cannot open by its name.
    await this.run(['sh', '-c', 'wg genkey | wg set "$1" private-key /proc/self/fd/0', 'sh', name]);
  }
}
