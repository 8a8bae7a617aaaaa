/** Runs one script in a JavaScript engine of its own (QuickJS in WebAssembly): no files, no network, no more time and memory than allowed. */
import { newQuickJSWASMModule, type QuickJSContext, type QuickJSHandle, type QuickJSWASMModule, Scope } from 'quickjs-emscripten'
import { MessageFault } from '../../engine/errors.js'
import { PRELUDE, PRELUDE_FILE } from './prelude.js'

export interface ScriptLimits {
  readonly deadline: number // milliseconds, for one message
  readonly memory: number // bytes
}

export interface Script {
  readonly source: string
  readonly file: string // as errors name it
}

/** What a script may ask of the message's format; a state stands for a body. */
export interface Host {
  read(state: string, path: string): readonly string[]
  write(state: string, path: string, value: string | null): string
  text(state: string): string
  parse(text: string): string
}

const STACK = 256 * 1024 // bytes
const LOADING = 2_000 // milliseconds to compile and begin at least: on a busy machine a good script must not fail for that
const CANNOT: Host = { read: () => [], write: (state) => state, text: () => '', parse: () => '' }

let checking = await newQuickJSWASMModule()

/** Throws a sentence with the script's file and line if it cannot run or exports no function. */
export const checkScript = (script: Script, limits: ScriptLimits): void => {
  try {
    new Sandbox(checking, script, limits).close()
  } catch (error) {
    // A script that met a limit may have left its engine half way through something.
    void newQuickJSWASMModule().then((fresh) => {
      checking = fresh
    })
    throw error
  }
}

/** A sandbox with memory of its own, which goes when the sandbox does. */
export const openSandbox = async (script: Script, limits: ScriptLimits): Promise<Sandbox> => new Sandbox(await newQuickJSWASMModule(), script, limits)

export class Sandbox {
  readonly #context: QuickJSContext
  readonly #limits: ScriptLimits
  readonly #script: Script
  readonly #run: QuickJSHandle
  readonly #handles = new Scope()
  #host = CANNOT
  #until = 0
  #time = 0 // milliseconds, of what is done now
  #stopped = false
  #refused: unknown // what the host last threw into the script

  constructor(engine: QuickJSWASMModule, script: Script, limits: ScriptLimits) {
    this.#script = script
    this.#limits = limits
    this.#context = engine.newContext()
    const { runtime } = this.#context
    runtime.setMemoryLimit(limits.memory)
    runtime.setMaxStackSize(STACK)
    runtime.setInterruptHandler(() => {
      this.#stopped ||= performance.now() > this.#until
      return this.#stopped
    })
    this.#run = this.#within(() => this.#load(), Math.max(LOADING, limits.deadline))
  }

  /** Whether a limit was met: the sandbox is to be thrown away. */
  get spent(): boolean {
    return this.#stopped
  }

  /** The states that the script returns for a message. Throws a MessageFault that names the script's line. */
  run(input: string, host: Host): readonly string[] {
    this.#host = host
    try {
      return this.#within(() => Scope.withScope((scope) => {
        const result = scope.manage(this.#call(this.#run, scope.manage(this.#context.newString(input))))
        return JSON.parse(this.#context.getString(result)) as string[]
      }), this.#limits.deadline)
    } finally {
      this.#host = CANNOT
    }
  }

  close(): void {
    this.#handles.dispose()
    this.#context.dispose()
  }

  /** Does something that runs the script, within its time: the computer's, since the engine's clock stands still meanwhile. What is not a fault is the engine's own end: too deep for its stack. */
  #within<Result>(act: () => Result, time: number): Result {
    this.#time = time
    this.#until = performance.now() + time
    try {
      return act()
    } catch (error) {
      if (error instanceof MessageFault) throw error
      this.#stopped = true
      throw this.#over(this.#script.file, 'went deeper than its stack allows and was stopped')
    }
  }

  #load(): QuickJSHandle {
    const mine = (handle: QuickJSHandle): QuickJSHandle => this.#handles.manage(handle)
    const functions = [
      this.#offer('read', (host, [state = '', path = '']) => JSON.stringify(host.read(state, path))),
      this.#offer('write', (host, [state = '', path = '', value]) => host.write(state, path, value ?? null)),
      this.#offer('text', (host, [state = '']) => host.text(state)),
      this.#offer('parse', (host, [text = '']) => host.parse(text)),
    ].map(mine)
    const wrap = mine(this.#call(mine(this.#evaluate(PRELUDE, PRELUDE_FILE, 'global')), ...functions))
    const script = mine(this.#context.getProp(mine(this.#evaluate(this.#script.source, this.#script.file, 'module')), 'default'))
    if (this.#context.typeof(script) !== 'function') throw this.#over(this.#script.file, 'must export a function: `export default (message) => message`')
    return mine(this.#call(wrap, script))
  }

  #offer(name: string, answer: (host: Host, texts: readonly (string | undefined)[]) => string): QuickJSHandle {
    const context = this.#context
    return context.newFunction(name, (...handles) => {
      try {
        return context.newString(answer(this.#host, handles.map((handle) => (context.typeof(handle) === 'string' ? context.getString(handle) : undefined))))
      } catch (error) {
        this.#refused = error
        throw error
      }
    })
  }

  #evaluate(code: string, file: string, type: 'global' | 'module'): QuickJSHandle {
    return this.#value(this.#context.evalCode(code, file, { type }))
  }

  #call(called: QuickJSHandle, ...given: QuickJSHandle[]): QuickJSHandle {
    return this.#value(this.#context.callFunction(called, this.#context.undefined, ...given))
  }

  #value(result: ReturnType<QuickJSContext['evalCode']>): QuickJSHandle {
    if (!result.error) return result.value
    const thrown = this.#context.dump(result.error) as unknown
    result.error.dispose()
    throw this.#fault(thrown)
  }

  #fault(thrown: unknown): MessageFault {
    const { name, message, stack } = (typeof thrown === 'object' && thrown !== null ? thrown : { message: thrown }) as { name?: unknown; message?: unknown; stack?: unknown }
    const place = placeIn(String(stack ?? ''), this.#script.file)
    if (this.#stopped) return this.#over(place, `ran longer than ${this.#time} ms and was stopped; its \`deadline\` can be longer`)
    if (name === 'InternalError' && message === 'out of memory') {
      this.#stopped = true
      return this.#over(place, `needed more than ${this.#limits.memory} bytes and was stopped; its \`memory\` can be more`)
    }
    if (this.#refused instanceof MessageFault && this.#refused.message === message) {
      const { fault } = this.#refused
      return new MessageFault({ ...fault, reason: `${place}: ${fault.reason}` })
    }
    const own = name === undefined || name === 'Error'
    return new MessageFault({ kind: own ? 'value' : 'internal', reason: `${place}: ${own ? '' : `${String(name)}: `}${String(message).slice(0, 500)}` })
  }

  #over(place: string, what: string): MessageFault {
    return new MessageFault({ kind: 'internal', reason: `${place}: the script ${what}` })
  }
}

/** "split-names.js:3", the first line of a stack that is in the script. */
const placeIn = (stack: string, file: string): string => {
  const at = stack.indexOf(`${file}:`)
  const line = at === -1 ? null : /^\d+/.exec(stack.slice(at + file.length + 1))
  return line ? `${file}:${line[0]}` : file
}
