/** What a process and its descendants use, as Linux tells it under /proc. */
import { readdirSync, readFileSync } from 'node:fs';

const MEBIBYTE_KIB = 1024;
/** The unit of /proc's processor times, on every Linux. */
const CPU_TICKS_A_SECOND = 100;

export interface PeakMemory extends Disposable {
  /** The most that the whole tree held at one of the looks so far, in MiB. */
  readonly peakMib: number;
}

/**
 * Looks again and again at how much memory a process and all of its descendants hold together. Memory that several of
 * them share counts once in all (PSS), which is what the machine has to have.
 */
export function watchPeakMemory(pid: number, intervalMs: number): PeakMemory {
  let peakMib = treeMemoryMib(pid);
  const timer = setInterval(() => (peakMib = Math.max(peakMib, treeMemoryMib(pid))), intervalMs);
  return {
    get peakMib() {
      return peakMib;
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

export function treeMemoryMib(pid: number): number {
  return treeOf(pid).reduce((sum, member) => sum + memoryMib(member), 0);
}

/** Processor time, user and system, that the living processes of the tree have used so far. */
export function treeCpuSeconds(pid: number): number {
  return treeOf(pid).reduce((sum, member) => sum + cpuSeconds(member), 0);
}

/** The processes of the tree, the root first. */
function treeOf(root: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (/^\d+$/.test(name)) parents.set(Number(name), parentOf(Number(name)));
  }
  const tree = [root];
  for (const member of tree) {
    for (const [pid, parent] of parents) if (parent === member) tree.push(pid);
  }
  return tree;
}

function parentOf(pid: number): number {
  return Number(/^PPid:\s+(\d+)$/m.exec(readOfProcess(pid, 'status'))?.[1] ?? 0);
}

function memoryMib(pid: number): number {
  return Number(/^Pss:\s+(\d+) kB$/m.exec(readOfProcess(pid, 'smaps_rollup'))?.[1] ?? 0) / MEBIBYTE_KIB;
}

function cpuSeconds(pid: number): number {
  const stat = readOfProcess(pid, 'stat');
  // The program's name, in parentheses, may hold anything; after it the times are the 12th and the 13th field.
  const [user = '0', system = '0'] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13);
  return (Number(user) + Number(system)) / CPU_TICKS_A_SECOND;
}

/** Empty where the process is gone by now. */
function readOfProcess(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
