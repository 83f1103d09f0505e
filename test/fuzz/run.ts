/**
 * Gives everything that reads strangers' input a mutated copy of real input, again and again, for some seconds:
 *
 *     node scripts/build.mjs /tmp/fuzz test/fuzz/run.ts && node /tmp/fuzz/bundled.js FOLDER SECONDS SEED
 *
 * The input at hand is in FOLDER/input, so that it is known even if the process ends. Prints one line of JSON.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mutate, randomFrom } from './mutate.ts';
import { allTargets, isRefusal } from './targets.ts';

const [, , folder = '.', seconds = '10', seed = '1'] = process.argv;
const random = randomFrom(Number(seed));
const targets = allTargets();
const everything = targets.flatMap(({ seeds }) => seeds);
const until = performance.now() + Number(seconds) * 1000;
const runs: Record<string, number> = {};
const pools = new Map(targets.map(({ name, seeds }) => [name, [...seeds]]));

for (let round = 0; performance.now() < until; round += 1) {
  const target = targets[round % targets.length];
  const pool = pools.get(target?.name ?? '') ?? [];
  const seedInput = pool[Math.floor(random() * pool.length)];
  if (!target || !seedInput) continue;
  const input = mutate(seedInput, everything, random);
  writeFileSync(join(folder, 'input'), input);
  try {
    await target.read(input, folder);
    // An input that is still read is a good beginning for the next change.
    if (pool.length < 200) pool.push(input);
  } catch (error) {
    if (!isRefusal(error)) {
      const what = error instanceof Error ? error.stack : String(error);
      process.stderr.write(`${target.name}, seed ${seed}, run ${round}: ${what}\n`);
      process.exit(1);
    }
  }
  runs[target.name] = (runs[target.name] ?? 0) + 1;
}
process.stdout.write(
  `${JSON.stringify({ seed: Number(seed), runs, megabytes: Math.round(process.memoryUsage().rss / 1e6) })}\n`,
);
