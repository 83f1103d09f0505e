import { ExitCode, Failure } from '../../errors.ts';
import type { LabText } from '../../lab/lab-text.ts';
import { type Progress, readProgress, saveProgress } from '../progress.ts';
import { begin, progressIn } from './begin.ts';
import { SPIN_MS } from './frame.ts';
import { Jobs } from './jobs.ts';
import { update } from './model.ts';
import { type Effect, type Event, type LabHead, type State, stepOf } from './state.ts';
import { Terminal } from './terminal.ts';
import type { Tools } from './tools.ts';
import { view } from './view.ts';
import { Watcher } from './watcher.ts';

export interface ScreenOptions {
  lab: LabHead;
  text: LabText;
  tools: Tools;
  colours: boolean;
  present: boolean;
  /** The name of the step to begin at. */
  step?: string;
  /** Says that the program has to end. */
  signal: AbortSignal;
}

/** The state in which the person left the screen, and whether Ctrl-C ended it. */
export interface Left {
  state: State;
  interrupted: boolean;
}

/** A person types this slowly and unevenly on a stage, in ms between two keys. */
const TYPING_MS = [15, 60] as const;

/**
 * Runs the workshop on this terminal until the person leaves it. However it ends, it restores the terminal and leaves nothing running.
 * Throws the reason of `signal` if that aborts.
 */
export async function runScreen(options: ScreenOptions): Promise<Left> {
  return new Screen(options, await readProgress(options.lab.name)).run();
}

class Screen {
  readonly #options: ScreenOptions;
  readonly #terminal: Terminal;
  readonly #jobs: Jobs;
  readonly #watcher: Watcher;
  readonly #progress: Progress | undefined;
  readonly #ended: Promise<boolean>;
  #leave: (interrupted: boolean) => void = () => undefined;
  #fail: (error: unknown) => void = () => undefined;
  #state: State;
  #drawing: NodeJS.Immediate | undefined;
  #spinner: NodeJS.Timeout | undefined;
  #saving = Promise.resolve();
  #away = false;

  constructor(options: ScreenOptions, progress: Progress | undefined) {
    const { lab, text, tools, present, step, colours } = options;
    this.#options = options;
    this.#progress = progress;
    this.#terminal = new Terminal(process.stdin, process.stdout, colours, {
      pressed: (pressed) => this.#happens(pressed),
      gone: () => this.#fail(new Failure(ExitCode.interrupted, 'the terminal was closed')),
    });
    const { size } = this.#terminal;
    this.#state = begin({ lab, text, size, progress, present, ...(step === undefined ? {} : { step }) });
    const tell = (event: Event) => this.#happens(event);
    this.#ended = new Promise((resolve, reject) => {
      this.#leave = resolve;
      this.#fail = reject;
    });
    this.#jobs = new Jobs(tools, tell, this.#fail);
    this.#watcher = new Watcher(tools, tell, this.#fail);
  }

  async run(): Promise<Left> {
    const { signal } = this.#options;
    const interrupted = () => this.#fail(signal.reason);
    const resized = () => {
      this.#terminal.forget();
      this.#happens({ kind: 'resize', size: this.#terminal.size });
    };
    // A process that was stopped (Ctrl-Z, kill -STOP) finds the terminal changed when it continues.
    const continued = () => {
      if (this.#away) return;
      this.#terminal.leave();
      this.#terminal.enter();
      resized();
    };
    signal.throwIfAborted();
    signal.addEventListener('abort', interrupted);
    process.stdout.on('resize', resized);
    process.on('SIGCONT', continued);
    try {
      this.#terminal.enter();
      this.#watcher.start();
      await this.#resume();
      this.#draw();
      return { interrupted: await this.#ended, state: this.#state };
    } finally {
      signal.removeEventListener('abort', interrupted);
      process.stdout.off('resize', resized);
      process.off('SIGCONT', continued);
      clearImmediate(this.#drawing);
      clearInterval(this.#spinner);
      this.#terminal.leave();
      await Promise.all([this.#jobs.end(), this.#watcher.end(), this.#saving]);
    }
  }

  /** Checks the finished steps again if they were done in another deployment of the lab. */
  async #resume(): Promise<void> {
    const { done, text } = this.#state;
    const steps = text.steps.filter((step) => done.has(step.name) && step.check.length > 0);
    if (steps.length === 0 || !stepOf(this.#state)) return;
    if (this.#progress?.deployed === (await this.#options.tools.deployed())) return;
    this.#state = {
      ...this.#state,
      busy: { doing: 'survey', text: 'Looking at what still holds', since: performance.now() },
    };
    this.#does({ kind: 'survey', steps });
    this.#spin();
  }

  #happens(event: Event): void {
    const { state, effects } = update({ ...this.#state, now: performance.now() }, event);
    this.#state = state;
    for (const effect of effects) this.#does(effect);
    this.#spin();
    // Draws once for all events of the same moment.
    this.#drawing ??= setImmediate(() => this.#draw());
  }

  #draw(): void {
    this.#drawing = undefined;
    this.#terminal.draw(view(this.#state));
  }

  /** Lets time pass on the screen only while something runs. */
  #spin(): void {
    if (this.#state.busy === undefined) {
      clearInterval(this.#spinner);
      this.#spinner = undefined;
    } else {
      this.#spinner ??= setInterval(() => this.#happens({ kind: 'tick' }), SPIN_MS);
    }
  }

  #does(effect: Effect): void {
    switch (effect.kind) {
      case 'save':
        this.#save();
        break;
      case 'type':
        this.#type();
        break;
      case 'shell':
        this.#shell().catch(this.#fail);
        break;
      case 'watch':
        this.#watcher.watch();
        break;
      case 'unwatch':
        this.#watcher.unwatch();
        break;
      case 'redraw':
        this.#terminal.forget();
        break;
      case 'suspend':
        this.#terminal.leave();
        process.kill(process.pid, 'SIGTSTP');
        break;
      case 'leave':
        this.#leave(effect.interrupted);
        break;
      default:
        this.#jobs.begin(effect, () => this.#watcher.look());
    }
  }

  /** Saves one state after the other, so that the latest one stays. */
  #save(): void {
    const { lab, tools } = this.#options;
    const state = this.#state;
    this.#saving = this.#saving
      .then(async () => saveProgress(lab.name, progressIn(state, await tools.deployed())))
      .catch((error) => {
        if (error instanceof Failure) this.#happens({ kind: 'unsaved', message: error.message });
        else this.#fail(error);
      });
  }

  #type(): void {
    const [least, most] = TYPING_MS;
    setTimeout(() => this.#happens({ kind: 'typed' }), least + Math.random() * (most - least));
  }

  async #shell(): Promise<void> {
    this.#away = true;
    this.#terminal.leave();
    try {
      await this.#options.tools.shell();
    } finally {
      this.#away = false;
    }
    if (this.#options.signal.aborted) return;
    this.#terminal.enter();
    this.#watcher.look();
    this.#happens({ kind: 'resize', size: this.#terminal.size });
  }
}
