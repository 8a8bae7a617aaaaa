/** What a script finds when it starts: the class of its messages. This text runs inside the sandbox, before the script. */

export const PRELUDE_FILE = 'refero'

/**
 * A function of what the host offers (`read`, `write`, `text`, `parse`) that gives a function of the script, which gives a function from
 * a message (as JSON) to the states of the messages it returned. A state is the body's JSON, or the number that the host knows it by.
 */
export const PRELUDE = `
(read, write, text, parse) => {
  class Message {
    #facts
    #state
    constructor(facts, state) {
      this.#facts = facts
      this.#state = state
      if (facts.json) this.body = JSON.parse(state)
    }
    get id() { return this.#facts.id }
    get channel() { return this.#facts.channel }
    get receivedAt() { return this.#facts.receivedAt }
    get type() { return this.#facts.type }
    get controlId() { return this.#facts.controlId }
    get format() { return this.#facts.format }
    get text() { return this.#facts.json ? JSON.stringify(this.body) : text(this.#state) }
    set text(value) { this.#become(this.#facts.json ? String(value) : parse(String(value))) }
    get(path) { return this.getAll(path)[0] ?? null }
    getAll(path) { return JSON.parse(read(this.state(), String(path))) }
    set(path, value) {
      this.#become(write(this.state(), String(path), value === null || value === undefined ? null : String(value)))
      return this
    }
    copy() { return new Message(this.#facts, this.state()) }
    state() { return this.#facts.json ? JSON.stringify(this.body) : this.#state }
    #become(state) {
      if (this.#facts.json) this.body = JSON.parse(state)
      else this.#state = state
    }
  }

  const stateOf = (one, json) => {
    if (one instanceof Message) return one.state()
    if (json && one !== null && typeof one === 'object' && one.body !== undefined) return JSON.stringify(one.body)
    throw new TypeError('it returned something that is no message; return the message that it was given, or a .copy() of it')
  }

  return (script) => (input) => {
    const { facts, state } = JSON.parse(input)
    const returned = script(new Message(facts, state))
    if (returned === undefined) throw new TypeError('it returned nothing; return the message, a list of messages, or null to filter it')
    if (returned !== null && typeof returned.then === 'function') throw new TypeError('it returned a promise; a script cannot wait')
    const list = returned === null ? [] : Array.isArray(returned) ? returned : [returned]
    return JSON.stringify(list.map((one) => stateOf(one, facts.json)))
  }
}
`
