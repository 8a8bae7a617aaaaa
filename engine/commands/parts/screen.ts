/** A terminal that is drawn on in place: it gives back what was there, whichever way it ends. */
import { untilStopped } from './until-stopped.js'

const [ENTER, LEAVE] = ['\u001b[?1049h\u001b[?25l', '\u001b[?25h\u001b[?1049l'] // the other screen without a cursor, and back
const [HOME, CLEAR_LINE, CLEAR_REST] = ['\u001b[H', '\u001b[K', '\u001b[J']
const END_KEYS = new Set(['q', 'Q', '\u0003', '\u001b'])

export interface Screen {
  readonly columns: number
  /** Draws the lines over what was drawn before; what does not fit is left out. */
  draw(lines: readonly string[]): void
  /** Resolves when q, Esc or Ctrl-C is pressed, or the process is told to stop. */
  readonly ended: Promise<void>
  /** Gives the terminal back. */
  close(): void
}

export const isScreen = (): boolean => process.stdout.isTTY === true && process.stdin.isTTY === true

/** Takes the terminal over; `resized` is called when it has another size. */
export function openScreen(resized: () => void): Screen {
  const { stdin, stdout } = process
  let end: () => void = () => {}
  const pressed = new Promise<void>((resolve) => {
    end = resolve
  })
  const key = (typed: Buffer): void => {
    if (END_KEYS.has(typed.toString())) end()
  }
  const restore = (): void => {
    stdout.off('resize', resized)
    stdin.off('data', key)
    stdin.setRawMode(false)
    stdin.pause()
    stdout.write(LEAVE)
    process.off('exit', restore)
  }
  process.once('exit', restore) // a fault must not leave a terminal without its cursor
  stdin.setRawMode(true)
  stdin.on('data', key)
  stdin.resume()
  stdout.on('resize', resized)
  stdout.write(ENTER)
  return {
    get columns() {
      return stdout.columns || 80
    },
    draw: (lines) => {
      const fitting = lines.slice(0, (stdout.rows || 24) - 1).map((line) => line.slice(0, stdout.columns || 80))
      stdout.write(`${HOME}${fitting.map((line) => `${line}${CLEAR_LINE}\r\n`).join('')}${CLEAR_REST}`)
    },
    ended: Promise.race([pressed, untilStopped()]),
    close: restore,
  }
}
