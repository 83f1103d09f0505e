import { TestLab } from './lab.ts';

/** Some labs with encryption on, for tests that run side by side: each has one to itself, and the next test gets it after. */
export class LabPool {
  readonly #idle: TestLab[] = [];
  readonly #all = new Set<TestLab>();
  readonly #waiting: (() => void)[] = [];
  #places: number;

  constructor(size: number) {
    this.#places = size;
  }

  /** Lends a lab. It is used again only where `work` says that it is as it was; after anything else it is destroyed. */
  async use(work: (lab: TestLab) => Promise<'as it was' | 'spoilt'>): Promise<void> {
    while (this.#places === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#places -= 1;
    try {
      const lab = this.#idle.pop() ?? (await this.#make());
      const after = await work(lab).catch(async (error) => {
        await this.#destroy(lab);
        throw error;
      });
      if (after === 'as it was') this.#idle.push(lab);
      else await this.#destroy(lab);
    } finally {
      this.#places += 1;
      this.#waiting.shift()?.();
    }
  }

  async destroyAll(): Promise<void> {
    await Promise.all([...this.#all].map((lab) => this.#destroy(lab)));
  }

  async #make(): Promise<TestLab> {
    const lab = await TestLab.encrypted();
    this.#all.add(lab);
    return lab;
  }

  async #destroy(lab: TestLab): Promise<void> {
    this.#all.delete(lab);
    await lab.destroy();
  }
}
