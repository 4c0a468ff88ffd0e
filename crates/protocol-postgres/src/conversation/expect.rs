//! What the target will answer, in order.

use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use gate::{Flow, Shown, Watch};
use redact::Plan;

use super::by_name::Change;
use super::copy::Held;
use super::lowered::by_constants;
use super::own_catalog::ReadingOwn;
use super::recorded::KeptBy;
use super::statements::{Entry, Portal, Prepared};
use crate::cells::{CellType, Manner};
use crate::copy::{Arriving, Masked};
use crate::interpret::Interpreted;
use crate::wire::backend::ColumnShape;
use crate::wire::build::OwnReport;

/// One forwarded frame, waiting for its reply.
#[derive(Debug)]
pub enum Expect {
    /// ParseComplete.
    Parse { flow: Flow, name: Vec<u8>, prepared: Rc<Prepared>, before: Option<Entry<Prepared>> },
    /// BindComplete. If it was refused once a part of it had gone, an error, in the place of which the caller is told that.
    Bind { name: Vec<u8>, portal: Rc<Portal>, before: Option<Entry<Portal>>, refused: Option<OwnReport> },
    /// ParameterDescription and RowDescription or NoData; of a portal without the first. If `hidden`, Weir itself asked.
    Describe { interpreted: Rc<Interpreted>, what: Described, hidden: bool },
    /// Rows, then CommandComplete, EmptyQueryResponse or PortalSuspended.
    Execute { running: Running, portal: Rc<Portal>, changes: Vec<Change> },
    /// CloseComplete, of a statement.
    CloseStatement { name: Vec<u8>, before: Option<Entry<Prepared>> },
    /// CloseComplete, of a portal.
    ClosePortal { name: Vec<u8>, before: Option<Entry<Portal>> },
    /// ReadyForQuery.
    Sync,
    /// ParseComplete, the description and CloseComplete of what a permitted COPY copies; `frame` makes it run.
    CopyShape { running: Running, held: Held, frame: Vec<u8>, columns: Option<Vec<ColumnShape>> },
    /// Everything up to ReadyForQuery.
    Query {
        running: Running,
        interpreted: Rc<Interpreted>,
        statement: usize,
        failed: Option<String>,
        /// What its statements do to names, as far as that is not confirmed.
        changes: VecDeque<Change>,
    },
    /// The error that a poison makes. The caller is told `error` instead. If `simple`, ReadyForQuery follows.
    Poison { error: Vec<u8>, simple: bool, told: bool },
    /// The answers to Weir's own questions about the catalog, up to ReadyForQuery.
    OwnCatalog(Box<ReadingOwn>),
}

/// What is described.
#[derive(Clone, Debug)]
pub enum Described {
    Statement(Rc<Prepared>),
    Portal(Rc<Portal>),
}

/// An operation that runs, and how its current result is shown.
#[derive(Debug)]
pub struct Running {
    pub flow: Flow,
    pub plan: Option<Arc<Plan>>,
    /// Types and formats of the columns of a plan that is not clear.
    pub types: Vec<CellType>,
    /// What of its values is looked at, if anything could be found there that is not shown.
    pub watch: Option<Arc<Watch>>,
    /// How the values of each column are.
    pub manners: Vec<Option<Manner>>,
    /// How what is shown is kept in the recording, if not as it is.
    pub kept: Option<KeptBy>,
    /// The copy that goes on now, as it is kept.
    pub copy_kept: Option<Box<Masked>>,
    /// Set if nothing of it can be kept.
    pub copy_unkept: bool,
    pub shown: Shown,
    /// The copy that goes on now.
    pub copy: Copying,
    /// Names of the columns of a copy to the caller.
    pub names: Vec<String>,
    /// What the caller is told when it fails because of what the caller did.
    pub instead_of_error: Option<OwnReport>,
}

/// A copy that goes on.
#[derive(Debug, Default)]
pub enum Copying {
    /// None does.
    #[default]
    None,
    /// To the caller, as it is.
    Clear { binary: bool },
    /// To the caller, masked.
    Masked(Box<Masked>),
    /// From the caller, as it is.
    In,
    /// From the caller, and looked through.
    Watched(Box<Arriving>),
    /// Both ways, and which of the two still sends.
    Both { caller: bool, target: bool },
}

impl Copying {
    /// Whether the caller sends.
    pub fn takes(&self) -> bool {
        matches!(self, Self::In | Self::Watched(_) | Self::Both { caller: true, .. })
    }

    /// What it is once the caller has sent all.
    pub fn caller_is_done(&self) -> Self {
        match self {
            Self::Both { target: true, .. } => Self::Both { caller: false, target: true },
            _ => Self::None,
        }
    }
}

impl Running {
    pub fn new(flow: Flow) -> Self {
        Self {
            flow,
            plan: None,
            types: Vec::new(),
            watch: None,
            manners: Vec::new(),
            kept: None,
            copy_kept: None,
            copy_unkept: false,
            shown: Shown::default(),
            copy: Copying::None,
            names: Vec::new(),
            instead_of_error: None,
        }
    }

    /// Whether its rows are shown as they are, without being looked at.
    pub fn passes(&self) -> bool {
        self.watch.is_none() && self.plan.as_deref().is_some_and(Plan::is_clear)
    }

    /// Whether its rows are of columns that nobody has described.
    pub fn is_undescribed(&self) -> bool {
        self.plan.as_deref().is_some_and(|plan| plan.fields().is_empty()) && !self.manners.is_empty()
    }

    /// How rows are shown is forgotten: others may come.
    pub fn forget_rows(&mut self) {
        (self.plan, self.watch, self.manners, self.kept) = (None, None, Vec::new(), None);
    }

    /// The operation is over.
    pub fn finish(mut self, outcome: gate::Outcome, now: model::UnixMicros) {
        self.flow.shown(self.shown);
        self.flow.finish(outcome, now);
    }
}

impl Expect {
    /// The operation that it is of.
    pub fn op(&self) -> Option<u64> {
        match self {
            Self::Parse { flow, .. } => Some(flow.op()),
            Self::Execute { running, .. } | Self::Query { running, .. } | Self::CopyShape { running, .. } => {
                Some(running.flow.op())
            }
            // What stands for something that was refused.
            Self::Poison { .. } => Some(0),
            _ => None,
        }
    }

    /// Whether it may change the catalog when it runs.
    pub fn changes_catalog(&self) -> bool {
        let runs = matches!(self, Self::Execute { .. } | Self::Query { .. } | Self::CopyShape { .. });
        runs && self.interpreted().is_some_and(|interpreted| interpreted.changes_catalog)
    }

    /// Whether its text is another on the target than the caller's.
    pub fn is_rewritten(&self) -> bool {
        match self {
            Self::Parse { prepared, .. } => !prepared.lowered.is_empty(),
            Self::Bind { portal, .. } | Self::Execute { portal, .. } => !portal.lowered_in_text.is_empty(),
            Self::Describe { what: Described::Statement(prepared), .. } => !prepared.lowered.is_empty(),
            Self::Describe { what: Described::Portal(portal), .. } => !portal.lowered_in_text.is_empty(),
            Self::Query { interpreted, running, .. } => !by_constants(interpreted, running.flow.lowers()).is_empty(),
            _ => false,
        }
    }

    /// Whether a stream or a backup comes of it.
    pub fn is_stream(&self) -> bool {
        matches!(self, Self::Query { interpreted, .. } if interpreted.is_stream())
    }

    /// Whether its answer ends with ReadyForQuery.
    pub fn is_answered_by_ready(&self) -> bool {
        matches!(
            self,
            Self::Query { .. }
                | Self::Sync
                | Self::OwnCatalog(_)
                | Self::Poison { simple: true, .. }
                | Self::CopyShape { held: Held::Query(_), .. }
        )
    }

    /// What runs, and is not only prepared.
    pub fn running_text(&self) -> Option<Rc<Interpreted>> {
        let runs = matches!(self, Self::Execute { .. } | Self::Query { .. });
        self.interpreted().filter(|_| runs)
    }

    /// What runs, or is prepared.
    pub fn interpreted(&self) -> Option<Rc<Interpreted>> {
        match self {
            Self::Parse { prepared, .. } => Some(prepared.interpreted()),
            Self::Bind { portal, .. } | Self::Execute { portal, .. } => Some(Rc::clone(&portal.interpreted)),
            Self::Describe { interpreted, .. } | Self::Query { interpreted, .. } => Some(Rc::clone(interpreted)),
            Self::CopyShape { held, .. } => Some(Rc::clone(held.interpreted())),
            Self::CloseStatement { .. }
            | Self::ClosePortal { .. }
            | Self::Sync
            | Self::Poison { .. }
            | Self::OwnCatalog(_) => None,
        }
    }
}
