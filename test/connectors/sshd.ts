/** A real OpenSSH server for a test: its own host key and configuration, on a free port of this machine, for the user who runs the test. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'

const SSHD = ['/usr/sbin/sshd', '/usr/local/sbin/sshd', '/usr/bin/sshd'].find((path) => existsSync(path))

/** Why there is no server, or null. */
export const sshdIsMissing = SSHD === undefined ? 'sshd is not installed' : null

export interface Sshd {
  readonly home: string // a folder of the test's own, where files go
  readonly server: { readonly host: string; readonly port: number; readonly user: string; readonly key: string; readonly hostKey: string }
  readonly otherKey: string // which the server does not know
  stop(): Promise<void>
  start(): Promise<void>
}

export const startSshd = async (): Promise<Sshd> => {
  const home = mkdtempSync(join(tmpdir(), 'refero-sshd-'))
  const at = (name: string): string => join(home, name)
  for (const name of ['host', 'user', 'other']) execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', at(name)])
  copyFileSync(at('user.pub'), at('authorized'))
  const port = await freePort()
  writeFileSync(at('config'), [
    `Port ${port}`, 'ListenAddress 127.0.0.1', `HostKey ${at('host')}`, `PidFile ${at('pid')}`, `AuthorizedKeysFile ${at('authorized')}`, 'UsePAM no', 'StrictModes no', 'PermitRootLogin yes',
    'PasswordAuthentication no', 'KbdInteractiveAuthentication no', 'PubkeyAuthentication yes', 'UseDNS no', 'KexAlgorithms curve25519-sha256', 'MaxStartups 100', 'Subsystem sftp internal-sftp', '',
  ].join('\n'))
  chmodSync(at('host'), 0o600)
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 })
  const [, hostKey = ''] = execFileSync('ssh-keygen', ['-lf', at('host.pub')], { encoding: 'utf8' }).split(' ')
  let running: ChildProcess | null = null

  const start = async (): Promise<void> => {
    const child = spawn(SSHD ?? '', ['-D', '-e', '-f', at('config')], { stdio: ['ignore', 'ignore', 'pipe'] })
    let said = ''
    await new Promise<void>((resolve, reject) => {
      child.stderr?.on('data', (chunk: Buffer) => {
        said += chunk.toString()
        if (said.includes('Server listening')) resolve()
      })
      child.once('exit', () => reject(new Error(`sshd ended: ${said}`)))
    })
    running = child
  }
  const stop = async (): Promise<void> => {
    const child = running
    running = null
    if (!child || child.exitCode !== null) return
    child.kill()
    await once(child, 'exit')
  }
  await start()
  return {
    home, stop, start, otherKey: readFileSync(at('other'), 'utf8'),
    server: { host: '127.0.0.1', port, user: userInfo().username, key: readFileSync(at('user'), 'utf8'), hostKey },
  }
}

export const removeSshd = async (sshd: Sshd): Promise<void> => {
  await sshd.stop()
  rmSync(sshd.home, { recursive: true, force: true })
}

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** What lies between a client and a server, and cuts every connection once so many bytes have passed one way. */
export interface Cable { readonly port: number; connections: number; cutAfter: { readonly way: 'up' | 'down'; readonly bytes: number } | null; close(): void }

export const cableTo = async (port: number): Promise<Cable> => {
  const sockets = new Set<Socket>()
  const server = createServer((near) => {
    cable.connections++
    const far = connect(port, '127.0.0.1')
    const passed = { up: 0, down: 0 }
    const join = (from: Socket, to: Socket, way: 'up' | 'down'): void => {
      sockets.add(from)
      from.on('data', (chunk: Buffer) => {
        passed[way] += chunk.length
        if (cable.cutAfter && cable.cutAfter.way === way && passed[way] > cable.cutAfter.bytes) {
          near.destroy()
          far.destroy()
        } else to.write(chunk)
      })
      from.on('close', () => to.destroy()).on('error', () => undefined)
    }
    join(near, far, 'up')
    join(far, near, 'down')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cable: Cable = {
    port: (server.address() as AddressInfo).port, connections: 0, cutAfter: null,
    close: () => {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
  return cable
}
