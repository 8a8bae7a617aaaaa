/** What the desk will never take, whoever sends it again: a sentence for the sender, without content. */
export class DeskRefusal extends Error {
  override readonly name = 'DeskRefusal'
}
