//! Two sockets and the conversation between them. Thin: bytes in, bytes out, and the moments when a session must end.

use std::cell::RefCell;
use std::future::{Future, pending, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, SystemTime};

use gate::{Credentials, Identities, RecorderDown};
use model::{Principal, UnixMicros};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::sync::watch;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::catalog::{Catalogs, Freshness};
use crate::conversation::Conversation;
use crate::stream::Stream;
use crate::wire::build::OwnReport;

/// Bytes taken from a socket at once.
const READ_BYTES: usize = 64 * 1024;
/// Reads after which a session lets the others of its worker have a turn: a stream must not make point queries wait.
const TURN_READS_MAX: usize = 4;
/// Bytes that may wait for a side before the other side is not read any more.
const WAITING_BYTES_MAX: usize = 256 * 1024;
/// Bytes of each of its buffers that an idle session keeps: as much as a point query needs.
pub const IDLE_BYTES_KEPT: usize = 1024;
/// The longest that saying goodbye may take.
const GOODBYE_MAX: Duration = Duration::from_secs(5);
/// After a catalog could not be read for a stream, until it is tried again.
const READ_AGAIN: Duration = Duration::from_secs(1);

/// What a session must notice while it runs.
#[derive(Clone)]
pub struct Signals {
    /// Becomes true when Weir shuts down: sessions end when they are idle.
    pub shutdown: watch::Receiver<bool>,
    /// Changes when a credential may have been revoked.
    pub revocations: watch::Receiver<u64>,
    /// Who can tell whether it was.
    pub identities: Arc<dyn Identities>,
    /// Where the target's password comes from.
    pub credentials: Arc<dyn Credentials>,
}

/// A relay.
pub struct Relay {
    caller: Stream,
    sent: usize,
    /// Whether something was written to the caller since its stream was last flushed: TLS holds what its socket does not take.
    unflushed: bool,
    conversation: Conversation,
    catalogs: Arc<Catalogs>,
    principal: Arc<Principal>,
    signals: Signals,
    /// Whether the last poll moved any bytes.
    moved: bool,
}

thread_local! {
    /// What is read goes through here into the session's own buffers, in the same breath. So there is one for all sessions of
    /// a worker, and an idle session has none.
    static READ_BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_BYTES].into_boxed_slice());
}

/// What happens to a session beside its two sockets.
enum Happening {
    /// The catalog was read again, or could not be.
    CatalogRead(bool),
    /// The caller's credential has ended.
    Expired,
    /// A credential may have been revoked; or nobody can tell any more.
    Revocations(Result<(), watch::error::RecvError>),
    /// Weir may be shutting down.
    Shutdown(Result<(), watch::error::RecvError>),
}

/// Why a session leaves its sockets.
enum Event {
    Wake(Wake),
    Happening(Happening),
}

/// Why the two sockets need attention.
enum Wake {
    /// The catalog must be read before planning goes on.
    Catalog,
    /// Over, and why.
    End(String),
    /// Nothing is running: a good moment to end.
    Idle,
    /// What the caller is shown can't be kept any more.
    Unrecorded(RecorderDown),
}

type Refresh = Pin<Box<dyn Future<Output = bool>>>;

impl Relay {
    /// A relay between a caller that is logged in and a target that is ready.
    pub fn new(
        caller: Stream,
        conversation: Conversation,
        catalogs: Arc<Catalogs>,
        principal: Arc<Principal>,
        signals: Signals,
    ) -> Self {
        Self { caller, sent: 0, unflushed: false, conversation, catalogs, principal, signals, moved: false }
    }

    /// Runs until one side ends, or must. Returns whether the target may still be at work for this session.
    pub async fn run(mut self) -> bool {
        let why = self.relay().await;
        let running = self.conversation.is_running();
        let _ = timeout(GOODBYE_MAX, self.goodbye()).await;
        self.conversation.close(now(), &why);
        running
    }

    async fn relay(&mut self) -> String {
        let expiry = self.expiry();
        let mut shutdown = self.signals.shutdown.clone();
        let mut revocations = self.signals.revocations.clone();
        let mut draining = *shutdown.borrow();
        let mut refresh: Option<Refresh> = None;
        loop {
            let event = {
                let refreshing = refresh.is_some();
                let (revoked, stopped) = (revocations.clone(), shutdown.clone());
                // Whether something has happened, without asking to be woken for it.
                let happened = || {
                    revoked.has_changed().unwrap_or(true)
                        || (!draining && stopped.has_changed().unwrap_or(true))
                        || expiry.is_some_and(|moment| moment <= Instant::now())
                };
                let mut happenings = pin!(async {
                    tokio::select! {
                        read = settled(&mut refresh) => Happening::CatalogRead(read),
                        () = until(expiry) => Happening::Expired,
                        changed = revocations.changed() => Happening::Revocations(changed),
                        changed = shutdown.changed(), if !draining => Happening::Shutdown(changed),
                    }
                });
                let mut awaited = false;
                poll_fn(|cx| {
                    if let Poll::Ready(wake) = self.poll(cx, draining, refreshing) {
                        return Poll::Ready(Event::Wake(wake));
                    }
                    // They are asked to wake this session once. After that it is enough to look at them when it was woken for
                    // something else than its sockets: asking again costs as much as a small statement's decision.
                    if self.moved && awaited && !refreshing && !happened() {
                        return Poll::Pending;
                    }
                    awaited = true;
                    happenings.as_mut().poll(cx).map(Event::Happening)
                })
                .await
            };
            match event {
                Event::Wake(Wake::End(why)) => return why,
                Event::Wake(Wake::Idle) => {
                    let report = OwnReport::fatal("57P01", "terminating connection: Weir is shutting down");
                    self.conversation.end_with(&report);
                    return "shutdown".to_owned();
                }
                Event::Wake(Wake::Unrecorded(down)) => {
                    tracing::error!(session = %self.conversation.session().id(), "{down}");
                    let report = OwnReport::fatal("58030", "the session cannot be recorded any more, so it ends");
                    let hint = "What was running may have taken effect or not. The reason is in Weir's log.";
                    self.conversation.end_with(&report.hint(hint));
                    return down.to_string();
                }
                Event::Wake(Wake::Catalog) => {
                    // A stream asks until it is told.
                    let again = self.conversation.is_streaming() && self.conversation.catalog_failed();
                    refresh = Some(self.refresh(if again { READ_AGAIN } else { Duration::ZERO }));
                }
                Event::Happening(Happening::CatalogRead(read)) => {
                    refresh = None;
                    self.conversation.catalog_read(read, now());
                }
                Event::Happening(Happening::Expired) => {
                    let report = OwnReport::fatal("28000", "the credential of this session has expired");
                    self.conversation.end_with(&report.hint("Get a new token and connect again."));
                    return "credential expired".to_owned();
                }
                Event::Happening(Happening::Revocations(changed)) => {
                    let live = self.signals.identities.is_live(&self.principal, now().seconds());
                    if !live || changed.is_err() {
                        let report = OwnReport::fatal("28000", "the credential of this session has been revoked");
                        self.conversation.end_with(&report);
                        return "credential revoked".to_owned();
                    }
                }
                Event::Happening(Happening::Shutdown(changed)) => draining = changed.is_err() || *shutdown.borrow(),
            }
        }
    }

    fn refresh(&self, pause: Duration) -> Refresh {
        let catalogs = Arc::clone(&self.catalogs);
        let credentials = Arc::clone(&self.signals.credentials);
        let seen = catalogs.current().map(|snapshot| snapshot.reading);
        let session = self.conversation.session().id().clone();
        Box::pin(async move {
            sleep(pause).await;
            match catalogs.refresh(seen, credentials.as_ref()).await {
                Ok(_) => true,
                Err(down) => {
                    tracing::warn!(%session, "the target's catalog cannot be read: {down}");
                    false
                }
            }
        })
    }

    /// The moment when the caller's credential ends.
    fn expiry(&self) -> Option<Instant> {
        let left = self.principal.expires?.0.saturating_sub(now().seconds().0);
        Instant::now().checked_add(Duration::from_secs(left))
    }

    /// Moves bytes both ways until nothing moves any more.
    fn poll(&mut self, cx: &mut Context<'_>, draining: bool, refreshing: bool) -> Poll<Wake> {
        self.moved = false;
        let mut reads = 0_usize;
        loop {
            let mut moved = false;
            // What can't be kept is not read.
            let has_room = match self.conversation.session().recording().map(|recording| recording.poll_room(cx)) {
                None | Some(Poll::Ready(Ok(()))) => true,
                Some(Poll::Pending) => false,
                Some(Poll::Ready(Err(down))) => return Poll::Ready(Wake::Unrecorded(down)),
            };
            // The target's side first: what it has said may let more of the caller's be planned.
            if has_room && self.waiting() < WAITING_BYTES_MAX && self.conversation.hears_target() {
                match self.poll_target(cx) {
                    Poll::Ready(Ok(0)) => return Poll::Ready(Wake::End(self.target_left(None))),
                    Poll::Ready(Ok(_)) => {
                        moved = true;
                        reads = reads.saturating_add(1);
                    }
                    Poll::Ready(Err(why)) => return Poll::Ready(Wake::End(self.target_left(Some(&why)))),
                    Poll::Pending => {}
                }
            }
            if has_room && self.conversation.takes_more() && self.conversation.upstream().waiting() < WAITING_BYTES_MAX
            {
                match self.poll_caller(cx) {
                    Poll::Ready(Ok(0)) => return Poll::Ready(Wake::End("caller left".to_owned())),
                    Poll::Ready(Ok(_)) => {
                        moved = true;
                        reads = reads.saturating_add(1);
                    }
                    Poll::Ready(Err(why)) => return Poll::Ready(Wake::End(format!("caller lost: {why}"))),
                    Poll::Pending => {}
                }
            }
            if let Some(ended) = self.conversation.ended() {
                return Poll::Ready(Wake::End(ended.why()));
            }
            // Written when there is nothing more to read, or when much has gathered.
            if !moved || self.waiting() >= READ_BYTES {
                match self.poll_write_caller(cx) {
                    Poll::Ready(Ok(wrote)) => moved |= wrote,
                    Poll::Ready(Err(why)) => return Poll::Ready(Wake::End(format!("caller lost: {why}"))),
                    Poll::Pending => {}
                }
            }
            if self.conversation.upstream().is_unflushed() {
                match self.conversation.upstream().poll_flush(cx) {
                    Poll::Ready(Ok(())) => moved = true,
                    Poll::Ready(Err(why)) => return Poll::Ready(Wake::End(self.target_left(Some(&why)))),
                    Poll::Pending => {}
                }
            }
            if self.conversation.awaits_catalog() && !refreshing {
                return Poll::Ready(Wake::Catalog);
            }
            if draining && self.conversation.is_idle() {
                return Poll::Ready(Wake::Idle);
            }
            if !moved {
                self.rest();
                return Poll::Pending;
            }
            self.moved = true;
            if reads >= TURN_READS_MAX {
                // Not woken at once, which would be before the worker looks at its other sockets again.
                let _ = pin!(yield_now()).poll(cx);
                return Poll::Pending;
            }
        }
    }

    /// There is nothing to do until somebody sends something: time for what can wait.
    fn rest(&mut self) {
        if self.moved {
            self.conversation.session().settle();
        }
        if self.conversation.is_idle() {
            self.conversation.drop_buffers();
            self.conversation.to_caller.shrink_to(IDLE_BYTES_KEPT);
        }
    }

    fn waiting(&self) -> usize {
        self.conversation.to_caller.len().saturating_sub(self.sent)
    }

    fn poll_target(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let count = READ_BUFFER.with_borrow_mut(|buffer| {
            let mut buf = ReadBuf::new(buffer);
            ready!(self.conversation.upstream().poll_read(cx, &mut buf))?;
            let bytes = buf.filled();
            if !bytes.is_empty() {
                self.conversation.take_from_target(bytes, now());
            }
            Poll::Ready(io::Result::Ok(bytes.len()))
        });
        // Nobody sends a statement while a stream goes on.
        if self.conversation.is_streaming() && matches!(count, Poll::Ready(Ok(1..))) {
            self.refresh_ageing();
        }
        count
    }

    fn poll_caller(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let count = READ_BUFFER.with_borrow_mut(|buffer| {
            let mut buf = ReadBuf::new(buffer);
            ready!(Pin::new(&mut self.caller).poll_read(cx, &mut buf))?;
            let bytes = buf.filled();
            if !bytes.is_empty() {
                self.conversation.take_from_caller(bytes, now());
            }
            Poll::Ready(io::Result::Ok(bytes.len()))
        });
        if matches!(count, Poll::Ready(Ok(1..))) {
            self.refresh_ageing();
        }
        count
    }

    /// A snapshot that is getting old is read again beside the session.
    fn refresh_ageing(&self) {
        if self.catalogs.freshness() == Freshness::Ageing && self.catalogs.begin_ageing_refresh() {
            let refresh = self.refresh(Duration::ZERO);
            let catalogs = Arc::clone(&self.catalogs);
            tokio::task::spawn_local(async move {
                refresh.await;
                catalogs.end_ageing_refresh();
            });
        }
    }

    /// Writes what waits for the caller; says whether something was written.
    fn poll_write_caller(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let mut wrote = false;
        while let Some(rest) = self.conversation.to_caller.get(self.sent..).filter(|rest| !rest.is_empty()) {
            match Pin::new(&mut self.caller).poll_write(cx, rest) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(count)) => {
                    self.sent = self.sent.saturating_add(count);
                    (wrote, self.unflushed) = (true, true);
                }
                Poll::Ready(Err(why)) => return Poll::Ready(Err(why)),
                Poll::Pending if wrote => {
                    self.forget_sent();
                    return Poll::Ready(Ok(true));
                }
                Poll::Pending => return Poll::Pending,
            }
        }
        if wrote {
            self.conversation.forget(self.sent);
            self.conversation.to_caller.shrink_to(WAITING_BYTES_MAX);
            self.sent = 0;
        }
        if self.unflushed {
            match Pin::new(&mut self.caller).poll_flush(cx) {
                Poll::Ready(Ok(())) => self.unflushed = false,
                Poll::Ready(Err(why)) => return Poll::Ready(Err(why)),
                // Goes on when the socket takes more.
                Poll::Pending => {}
            }
        }
        Poll::Ready(Ok(wrote))
    }

    /// A caller that reads too slowly never has all of it, and what it has is not kept.
    fn forget_sent(&mut self) {
        if self.sent >= READ_BYTES {
            self.conversation.forget(self.sent);
            self.sent = 0;
        }
    }

    fn target_left(&mut self, why: Option<&io::Error>) -> String {
        let report = OwnReport::fatal("08006", "the target closed the connection unexpectedly")
            .hint("What was running may have taken effect or not.");
        self.conversation.end_with(&report);
        why.map_or_else(|| "target left".to_owned(), |why| format!("target lost: {why}"))
    }

    /// Writes what is left, and closes both sides in good order.
    async fn goodbye(&mut self) {
        let rest = self.conversation.to_caller.split_off(self.sent.min(self.conversation.to_caller.len()));
        let _ = self.caller.write_all(&rest).await;
        let _ = self.caller.flush().await;
        let _ = poll_fn(|cx| self.conversation.upstream().poll_flush(cx)).await;
        let _ = self.caller.shutdown().await;
        let _ = poll_fn(|cx| self.conversation.upstream().poll_shutdown(cx)).await;
    }
}

/// The wall clock.
pub fn now() -> UnixMicros {
    UnixMicros::from(SystemTime::now())
}

async fn settled(refresh: &mut Option<Refresh>) -> bool {
    match refresh {
        Some(refresh) => refresh.await,
        None => pending().await,
    }
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => pending().await,
    }
}
