//! The file: opened by many at once, deleted by one alone.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::error::Error;

/// `weir`, as SQLite's files say whose they are.
const APPLICATION: i32 = 0x7765_6972;
/// What is in the file and how. Any change of it, or of what is made of a record, is another number.
const VERSION: i32 = 2;
const SCHEMA: &str = include_str!("schema.sql");
/// How long one waits for others: a writer for the one before it, whoever deletes the file for all who read.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it is looked whether they are gone.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// An index that is open.
#[derive(Debug)]
pub struct Index {
    pub(crate) db: Connection,
    pub(crate) path: PathBuf,
    /// Locked (shared) while the file is open, so that nobody deletes it meanwhile. Fields are dropped in order: it is last.
    _guard: File,
}

impl Index {
    /// Opens the index, or makes an empty one. One of another version is replaced by an empty one.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let until = Instant::now().checked_add(PATIENCE);
        loop {
            let guard = guard(path)?;
            guard.lock_shared().map_err(|error| io_error(path, error))?;
            if let Some(db) = connect(path).map_err(|error| Error::of(path, error))? {
                return Ok(Self { db, path: path.to_owned(), _guard: guard });
            }
            drop(guard);
            Self::remove(path, until)?;
        }
    }

    /// Deletes whatever is there, readable or not, and makes an empty one.
    pub fn anew(path: &Path) -> Result<Self, Error> {
        Self::remove(path, Instant::now().checked_add(PATIENCE))?;
        Self::open(path)
    }

    /// Deletes the file when nobody has it open.
    fn remove(path: &Path, until: Option<Instant>) -> Result<(), Error> {
        let guard = guard(path)?;
        loop {
            match guard.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(error)) => return Err(io_error(path, error)),
                Err(TryLockError::WouldBlock) if until.is_none_or(|until| Instant::now() >= until) => {
                    return Err(Error::Busy(path.to_owned()));
                }
                Err(TryLockError::WouldBlock) => thread::sleep(LOOK_EVERY),
            }
        }
        for end in ["-wal", "-shm", "-journal", ""] {
            let file = with_end(path, end);
            match fs::remove_file(&file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io_error(&file, error)),
                _ => {}
            }
        }
        Ok(())
    }
}

fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

fn io_error(path: &Path, error: io::Error) -> Error {
    Error::Io { path: path.to_owned(), error }
}

/// A file that nobody but the owner reads.
fn own_file(path: &Path) -> Result<File, Error> {
    let options = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path);
    options.map_err(|error| io_error(path, error))
}

fn guard(path: &Path) -> Result<File, Error> {
    own_file(&with_end(path, ".lock"))
}

/// The connection, or `None` for a file of another version.
fn connect(path: &Path) -> rusqlite::Result<Option<Connection>> {
    // SQLite would make the file readable for all; those beside it get the mode of this one.
    own_file(path).map_err(|_| rusqlite::Error::InvalidPath(path.to_owned()))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut db = Connection::open_with_flags(path, flags)?;
    db.busy_timeout(PATIENCE)?;
    db.set_prepared_statement_cache_capacity(64);
    // Nothing that a changed file says is run as a function or view of somebody else's.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    // One plan, whatever is bound: without this each new value has it made anew, which takes longer than the query.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    for (name, value) in [("page_size", 16_384), ("cache_size", -65_536), ("temp_store", 2)] {
        db.pragma_update(None, name, value)?;
    }
    // What is deleted is overwritten where that costs no further page.
    db.pragma_update(None, "secure_delete", "fast")?;
    // The log is the truth: what a lost power takes from the index is read again.
    db.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    db.pragma_update(None, "synchronous", "normal")?;
    let mut is_ours = ours(&db)?;
    if is_ours == Whose::Nobodys {
        // Of two that find it empty one makes it, and the other finds it made.
        let made = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if ours(&made)? == Whose::Nobodys {
            made.execute_batch(SCHEMA)?;
            made.pragma_update(None, "application_id", APPLICATION)?;
            made.pragma_update(None, "user_version", VERSION)?;
        }
        made.commit()?;
        is_ours = ours(&db)?;
    }
    match is_ours {
        Whose::Ours => Ok(Some(db)),
        Whose::OfAnotherVersion => Ok(None),
        Whose::Nobodys | Whose::Strangers => Err(rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_NOTADB),
            Some("it is a database of another program".to_owned()),
        )),
    }
}

#[derive(PartialEq, Eq)]
enum Whose {
    Ours,
    OfAnotherVersion,
    /// There is nothing in it.
    Nobodys,
    Strangers,
}

fn ours(db: &Connection) -> rusqlite::Result<Whose> {
    let number = |name: &str| db.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    Ok(match (number("application_id")?, number("user_version")?) {
        (APPLICATION, VERSION) => Whose::Ours,
        (APPLICATION, _) => Whose::OfAnotherVersion,
        _ if db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))? == 0 => Whose::Nobodys,
        _ => Whose::Strangers,
    })
}
