/** Debian's dovecot with a folder of its own, for tests that need a real IMAP server. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeCertificates } from './tools.js'

const DOVECOT = '/usr/sbin/dovecot'
const isThere = existsSync(DOVECOT) && existsSync('/usr/lib/dovecot/imap') && process.getuid?.() === 0
/** What a test is given, so that it is skipped by name where there is none. */
export const options = isThere ? {} : { skip: 'dovecot is not installed, or the tests do not run as root' }

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

const answers = (port: number): Promise<boolean> => new Promise((resolve) => {
  const socket = connect(port, '127.0.0.1')
  socket.on('data', () => {
    socket.destroy()
    resolve(true)
  })
  socket.on('error', () => resolve(false))
})

/** Dovecot with a folder of its own; mails are put into its Maildir as a delivery agent does. */
export class Dovecot {
  readonly folder = mkdtempSync(join(tmpdir(), 'refero-imap-'))
  readonly #user = spawnSync('id', ['-u', 'nobody'], { encoding: 'utf8' }).stdout.trim()
  readonly #group = spawnSync('id', ['-g', 'nobody'], { encoding: 'utf8' }).stdout.trim()
  port = 0
  password = 'right' // of the user `desk`, from the next start on
  #process: ChildProcess | null = null
  #delivered = 0

  async start(): Promise<void> {
    this.port ||= await freePort()
    chmodSync(this.folder, 0o755)
    makeCertificates(this.folder, ['server'])
    mkdirSync(join(this.folder, 'mail'), { recursive: true })
    chownSync(join(this.folder, 'mail'), Number(this.#user), Number(this.#group))
    writeFileSync(join(this.folder, 'users'), `desk:{PLAIN}${this.password}:${this.#user}:${this.#group}::${this.folder}/mail::\n`)
    writeFileSync(join(this.folder, 'dovecot.conf'), `
protocols = imap
base_dir = ${this.folder}/run
state_dir = ${this.folder}/state
log_path = ${this.folder}/log
listen = 127.0.0.1
default_internal_user = nobody
default_internal_group = ${spawnSync('id', ['-gn', 'nobody'], { encoding: 'utf8' }).stdout.trim()}
default_login_user = nobody
first_valid_uid = 1
first_valid_gid = 1
ssl = yes
ssl_cert = <${this.folder}/server.pem
ssl_key = <${this.folder}/server.key
disable_plaintext_auth = no
mail_location = maildir:${this.folder}/mail/Maildir
maildir_very_dirty_syncs = no
service imap-login {
  chroot =
  inet_listener imap {
    port = ${this.port}
  }
  inet_listener imaps {
    port = 0
  }
}
service anvil {
  chroot =
}
service stats {
  chroot =
}
namespace inbox {
  inbox = yes
}
passdb {
  driver = passwd-file
  args = ${this.folder}/users
}
userdb {
  driver = passwd-file
  args = ${this.folder}/users
}
`)
    const process = spawn(DOVECOT, ['-F', '-c', join(this.folder, 'dovecot.conf')], { stdio: 'ignore' })
    this.#process = process
    while (!(await answers(this.port))) {
      if (process.exitCode !== null) throw new Error(`dovecot ended: ${existsSync(join(this.folder, 'log')) ? readFileSync(join(this.folder, 'log'), 'utf8').slice(-2000) : 'without a log'}`)
      await new Promise(setImmediate)
    }
  }

  async kill(): Promise<void> {
    const process = this.#process
    if (!process || process.exitCode !== null) return
    const gone = new Promise((resolve) => process.once('exit', resolve))
    process.kill('SIGTERM')
    await gone
  }

  deliver(bytes: string | Buffer): void {
    const [owner, group] = [Number(this.#user), Number(this.#group)]
    for (const folder of ['', 'tmp', 'new', 'cur']) {
      const path = join(this.folder, 'mail/Maildir', folder)
      if (!existsSync(path)) mkdirSync(path)
      chownSync(path, owner, group)
    }
    const file = join(this.folder, 'mail/Maildir/new', `${1_700_000_000 + ++this.#delivered}.M${this.#delivered}.test`)
    writeFileSync(`${file}.part`.replace('/new/', '/tmp/'), bytes)
    chownSync(`${file}.part`.replace('/new/', '/tmp/'), owner, group)
    spawnSync('mv', [`${file}.part`.replace('/new/', '/tmp/'), file])
  }

  count(folder = ''): number {
    return ['new', 'cur'].flatMap((one) => (existsSync(join(this.folder, 'mail/Maildir', folder, one)) ? readdirSync(join(this.folder, 'mail/Maildir', folder, one)) : [])).length
  }

  clear(): void {
    rmSync(join(this.folder, 'mail'), { recursive: true, force: true })
    mkdirSync(join(this.folder, 'mail'))
    chownSync(join(this.folder, 'mail'), Number(this.#user), Number(this.#group))
  }
}
