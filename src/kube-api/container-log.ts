import { Readable } from 'node:stream';
import type { LogOptions } from './runtime.ts';

/** How much of a container's output is kept, in bytes: a lab's memory is bounded, and a workshop looks at the last minutes. */
const KEPT_BYTES = 512 * 1024;

interface Line {
  time: number;
  text: string;
}

/** The output of one run of a container, line by line with the time of each, and those who follow it. */
export class ContainerLog {
  #lines: Line[] = [];
  #bytes = 0;
  #unfinished = { stdout: '', stderr: '' };
  #followers = new Set<{ line(line: Line): void; end(): void }>();
  #ended = false;

  write(stream: 'stdout' | 'stderr', chunk: Buffer): void {
    const lines = (this.#unfinished[stream] + chunk.toString('utf8')).split('\n');
    this.#unfinished[stream] = lines.pop() ?? '';
    for (const text of lines) this.#add(text);
    if (this.#unfinished[stream].length > 16 * 1024) this.#flush(stream);
  }

  end(): void {
    this.#flush('stdout');
    this.#flush('stderr');
    this.#ended = true;
    for (const follower of this.#followers) follower.end();
    this.#followers.clear();
  }

  /** Returns the output that `kubectl logs` asked for; with `follow` it goes on until the container ends or the reader destroys the stream. */
  read(options: LogOptions): Readable {
    const since = options.sinceSeconds === undefined ? 0 : Date.now() - options.sinceSeconds * 1000;
    const chosen = this.#lines.filter((line) => line.time >= since);
    const first = options.tailLines === undefined ? 0 : Math.max(0, chosen.length - options.tailLines);
    let left = options.limitBytes ?? Number.POSITIVE_INFINITY;
    const stream = new Readable({ read: () => undefined });
    const show = (line: Line) => {
      const text = `${options.timestamps ? `${new Date(line.time).toISOString()} ` : ''}${line.text}\n`;
      const bytes = Buffer.from(text).subarray(0, left);
      left -= bytes.length;
      if (bytes.length > 0) stream.push(bytes);
      if (left <= 0) finish();
    };
    const follower = { line: show, end: () => finish() };
    const finish = () => {
      this.#followers.delete(follower);
      stream.push(null);
    };
    stream.on('close', () => this.#followers.delete(follower));
    for (const line of chosen.slice(first)) if (left > 0) show(line);
    if (left > 0 && (!options.follow || this.#ended)) finish();
    else if (left > 0) this.#followers.add(follower);
    return stream;
  }

  #flush(stream: 'stdout' | 'stderr'): void {
    if (this.#unfinished[stream]) this.#add(this.#unfinished[stream]);
    this.#unfinished[stream] = '';
  }

  #add(text: string): void {
    const line = { time: Date.now(), text };
    this.#lines.push(line);
    this.#bytes += text.length;
    while (this.#bytes > KEPT_BYTES) this.#bytes -= this.#lines.shift()?.text.length ?? this.#bytes;
    for (const follower of this.#followers) follower.line(line);
  }
}
