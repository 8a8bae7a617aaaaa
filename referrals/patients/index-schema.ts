/** The tables of the patient index, and how its file is opened. */
import Database from 'better-sqlite3'
import { createPrivately, IN_MEMORY } from '../../engine/store/sqlite/open-database.js'
import { toStoreError } from '../../engine/store/sqlite/faults.js'
import { StoreError } from '../../engine/errors.js'

/** In the file's header: "REFP". */
const APPLICATION_ID = 0x52454650
const VERSION = 1

/**
 * `person` is what is compared of a chart, made of its body once and apart from it, so that a search reads few pages. `key` finds charts: 32-bit keys, in a table that is its own index. `term` counts the charts that have a name or a birth date. `merge` leads
 * from a merged chart to its survivor, whether either is there yet. `made` says by which settings people, keys and terms were made.
 */
const TABLES = `
  create table chart (
    id     integer primary key,
    source text not null,
    number text not null,
    body   text not null,
    unique (source, number)
  ) strict;
  create table person (
    id     integer primary key references chart (id),
    source text not null,
    number text not null,
    active integer not null,
    facts  text not null
  ) strict;
  create table key (key integer not null, chart integer not null, primary key (key, chart)) strict, without rowid;
  create table term (term integer primary key, charts integer not null) strict;
  create table merge (
    source          text not null,
    number          text not null,
    survivor_source text not null,
    survivor_number text not null,
    primary key (source, number)
  ) strict, without rowid;
  create index merge_survivor on merge (survivor_source, survivor_number);
  create table made (by text not null) strict;
`

const SETTINGS = ['journal_mode = wal', 'synchronous = full', 'secure_delete = fast', 'temp_store = memory', 'cache_size = -262144', 'mmap_size = 2147483648', 'wal_autocheckpoint = 16000', 'journal_size_limit = 67108864']

/** Opens the index in `file`, creating it and its folder if need be. Throws a StoreError. */
export const openIndexDatabase = (file: string): Database.Database => {
  let database: Database.Database | undefined
  try {
    if (file !== IN_MEMORY) createPrivately(file)
    database = new Database(file, { timeout: 100 })
    const empty = database.prepare('select count(*) from sqlite_schema').pluck().get() === 0
    if (!empty && database.pragma('application_id', { simple: true }) !== APPLICATION_ID) throw new StoreError('corrupt', `${file} is not a patient index.`)
    if (Number(database.pragma('user_version', { simple: true })) > VERSION) throw new StoreError('failed', `${file} was written by a newer version of Refero: run that version or a later one.`)
    for (const setting of SETTINGS) database.pragma(setting)
    if (empty) {
      database.transaction((opened: Database.Database) => {
        opened.exec(TABLES)
        opened.pragma(`application_id = ${APPLICATION_ID}`)
        opened.pragma(`user_version = ${VERSION}`)
      }).immediate(database)
    }
    return database
  } catch (error) {
    database?.close()
    throw toStoreError(error, file)
  }
}
