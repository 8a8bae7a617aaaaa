/** Runs one command in this process, in a folder of the test: what it says, and its exit code. */
import { main } from '../../engine/cli.js'

export interface Said { readonly code: number; readonly out: string; readonly err: string }

/** One after the other: the working folder is the process's. */
export async function command(words: readonly string[], options: { readonly cwd: string; readonly env?: Readonly<Record<string, string>> }): Promise<Said> {
  const [before, out, err] = [process.cwd(), [] as string[], [] as string[]]
  process.chdir(options.cwd)
  try {
    const code = await main(words, {
      environment: { ...process.env, ...options.env }, interactive: false,
      out: (line) => out.push(line), err: (line) => err.push(line), confirm: () => Promise.resolve(false),
    })
    return { code, out: out.join('\n'), err: err.join('\n') }
  } finally {
    process.chdir(before)
  }
}
