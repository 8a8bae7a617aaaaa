/** The tables of the desk's file. */
import type { Schema } from '../../engine/store/sqlite/open-database.js'

/**
 * Inside, a referral is its number; the id that others know is looked up once. What is rewritten at every change (referral, referral_state) is small.
 * Instants are milliseconds since 1970. The indexes of `referral` end in the time of receipt, so that each gives its referrals newest first.
 * Checks are comparisons joined by `or`: for a list (`in`) SQLite would fill a temporary table at every insert.
 *
 *   notice:  waiting ──► superseded (gathered into a digest)
 *            open ──► sent | failed | superseded        failed ──► open (a person says so)
 */
const VERSION_1 = `
  create table referral (
    number       integer primary key,
    id           text not null unique,
    received_at  integer not null,
    sequence     integer not null check (sequence > 0),
    direction    text not null check (direction = 'inbound' or direction = 'outbound'),
    stage        text not null check (
      stage = 'received' or stage = 'routed' or stage = 'handed-off' or stage = 'accepted' or stage = 'contacted' or stage = 'unable-to-reach' or stage = 'scheduled' or
      stage = 'rebooking' or stage = 'seen' or stage = 'reported' or stage = 'closed' or stage = 'declined' or stage = 'cancelled' or
      stage = 'sent' or stage = 'delivered' or stage = 'acknowledged'),
    urgency      text not null check (urgency = 'routine' or urgency = 'urgent' or urgency = 'asap' or urgency = 'stat'),
    holds        integer not null check (holds >= 0),
    overdue      integer not null check (overdue = 0 or overdue = 1),
    next_due     integer,
    provider     text,
    specialty    text,
    ehr          text,
    location     text,
    payer        text,
    chart_source text,
    chart        text check ((chart is null) = (chart_source is null))
  ) strict;
  create index referral_received on referral (received_at);
  create index referral_direction on referral (direction, received_at);
  create index referral_stage on referral (stage, received_at);
  create index referral_urgency on referral (urgency, received_at);
  create index referral_holds on referral (received_at) where holds > 0;
  create index referral_overdue on referral (received_at) where overdue = 1;
  create index referral_due on referral (next_due) where next_due is not null;
  create index referral_provider on referral (provider, received_at) where provider is not null;
  create index referral_specialty on referral (specialty, received_at) where specialty is not null;
  create index referral_ehr on referral (ehr, received_at) where ehr is not null;
  create index referral_location on referral (location, received_at) where location is not null;
  create index referral_payer on referral (payer, received_at) where payer is not null;
  create index referral_chart on referral (chart, chart_source, received_at) where chart is not null;

  create table referral_state (
    referral integer primary key references referral (number),
    state    text not null
  ) strict;

  create table bundle (
    referral integer primary key references referral (number),
    packed   blob not null
  ) strict;

  create table event (
    position    integer primary key autoincrement,
    referral    integer not null references referral (number),
    sequence    integer not null check (sequence > 0),
    name        text not null,
    recorded_at integer not null,
    event       text not null,
    unique (referral, sequence)
  ) strict;
  create index event_name on event (name);
  create index event_recorded on event (recorded_at);

  create table notice (
    id         integer primary key autoincrement,
    referral   integer references referral (number),
    kind       text not null,
    event      integer,
    recipient  text not null,
    way        text,
    not_before integer not null,
    due        integer not null,
    status     text not null check (status = 'waiting' or status = 'open' or status = 'sent' or status = 'failed' or status = 'superseded'),
    items      text not null,
    fate       text,
    tried      text not null
  ) strict;
  create index notice_referral on notice (referral) where referral is not null;
  create index notice_way on notice (kind, way) where status = 'open';
  create index notice_recipient on notice (kind, recipient) where status = 'open';
  create index notice_waiting on notice (not_before) where status = 'waiting';

  create table document (
    number       integer primary key,
    referral     integer not null references referral (number),
    id           text not null,
    added_at     text not null,
    event        integer not null,
    role         text not null check (role = 'intake' or role = 'answer' or role = 'interim' or role = 'outcome'),
    status       text not null check (status = 'current' or status = 'superseded' or status = 'withdrawn'),
    title        text,
    content_type text,
    packed       blob not null,
    unique (referral, id)
  ) strict;

  create table unique_key (
    value    text not null,
    kind     text not null,
    referral integer not null references referral (number),
    primary key (value, kind)
  ) strict, without rowid;

  create table shared_key (
    value    text not null,
    kind     text not null,
    referral integer not null references referral (number),
    primary key (value, kind, referral)
  ) strict, without rowid;

  create table command (
    command  text not null primary key,
    referral integer not null references referral (number)
  ) strict, without rowid;

  create virtual table words using fts5 (text, content = '', contentless_delete = 1, detail = none);

  create table reader (
    name     text not null primary key,
    position integer not null
  ) strict, without rowid;

  create table stray (
    id          integer primary key autoincrement,
    command     text not null unique,
    at          text not null,
    via         text not null,
    what        text not null,
    reason      text not null,
    candidates  text not null,
    packed      blob not null,
    settled_at  text,
    settled_by  text check ((settled_by is null) = (settled_at is null)),
    settled_how text check ((settled_how is null) = (settled_at is null))
  ) strict;
  create index stray_open on stray (id) where settled_at is null;
  create index stray_settled on stray (settled_at) where settled_at is not null;
`

/** How far notices have come: what each was sent as, its proof, and receipts that came too early. */
const VERSION_2 = `
  create table sent_as (
    value  text not null,
    notice integer not null references notice (id),
    primary key (value, notice)
  ) strict, without rowid;
  create table proof (
    notice     integer primary key references notice (id),
    confirm_by integer,
    proof      text not null
  ) strict;
  create index proof_due on proof (confirm_by) where confirm_by is not null;
  create table early_receipt (
    command text not null,
    value   text not null,
    at      integer not null,
    content text not null,
    primary key (value, command)
  ) strict, without rowid;
  create index early_receipt_at on early_receipt (at);
  create index early_receipt_command on early_receipt (command);
`

/** The desk's file: "REFD". What else keeps tables in it adds them as a version of their own. */
export const DESK: Schema = { applicationId: 0x52454644, migrations: [VERSION_1, VERSION_2] }
