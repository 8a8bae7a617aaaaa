/** The options that every command which reads the installation has, and the configuration that they lead to. */
import { type Configuration, loadConfiguration } from '../../../config/loader.js'
import type { Settings } from '../../../config/schema.js'
import type { Given, Terminal } from '../../command.js'

export const SETTINGS_OPTIONS = {
  config: { type: 'string', value: 'FILE', describe: 'settings of this installation (config/default.yaml has them all)' },
  channels: { type: 'string', value: 'DIR', describe: 'the folder of channel files; channels unless said' },
  data: { type: 'string', value: 'DIR', describe: 'the folder that is written: messages, letters, secrets; data unless said' },
} as const

export function loadInstallation(given: Given, terminal: Terminal): Configuration {
  const configuration = loadConfiguration({
    flags: { channels: given.text('channels'), data: given.text('data') },
    config: given.text('config'),
    environment: terminal.environment,
  })
  for (const warning of configuration.warnings) terminal.err(warning)
  return configuration
}

export const loadSettings = (given: Given, terminal: Terminal): Settings => loadInstallation(given, terminal).settings
