//! Who sees the messages: a capture file, a person, a ladder.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, BufWriter};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use antiphon_core::flow::Flow;
use antiphon_core::time::Time;
use antiphon_net::Direction;
use antiphon_trace::pcapng::WriteError;
use antiphon_trace::{Capture, PcapngWriter, Record};

use crate::ending::Failure;
use crate::report::Reporter;

/// Octets of messages that are kept for a ladder. A demonstration needs some hundred kilobytes.
const KEPT: usize = 8 << 20;

/// Messages that were seen by several agents around one server.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    capture: Rc<RefCell<Capture>>,
    server: SocketAddr,
}

impl Kept {
    /// Keeps what agents send, and what they receive from this server.
    pub(crate) fn around(server: SocketAddr) -> Self {
        Self { capture: Rc::new(RefCell::new(Capture::new(KEPT))), server }
    }

    /// Everything that was seen, in the order of time.
    pub(crate) fn records(&self) -> Vec<Record> {
        let mut records: Vec<_> = self.capture.borrow().iter().cloned().collect();
        records.sort_by_key(|record| record.at);
        records
    }

    fn push(&self, direction: Direction, record: Record) {
        // What one agent sends to the other is seen by both, and once is enough.
        if direction == Direction::Out || record.from == self.server {
            self.capture.borrow_mut().push(record);
        }
    }
}

/// All who see the messages of one agent.
#[derive(Debug, Default)]
pub(crate) struct Taps {
    pub(crate) file: Option<TraceFile>,
    pub(crate) shown: Option<Reporter>,
    pub(crate) kept: Option<Kept>,
}

impl Taps {
    pub(super) fn see(&mut self, direction: Direction, flow: &Flow, octets: &[u8], now: Time) {
        if let Some(reporter) = &self.shown {
            reporter.message(direction, flow, octets);
        }
        if self.file.is_none() && self.kept.is_none() {
            return;
        }
        let (from, to) = match direction {
            Direction::In => (flow.remote, flow.local),
            Direction::Out => (flow.local, flow.remote),
        };
        let record = Record::new(now, from, to, flow.transport, octets.to_vec());
        if let Some(file) = &mut self.file {
            file.write(&record);
        }
        if let Some(kept) = &self.kept {
            kept.push(direction, record);
        }
    }

    pub(super) fn finish(self) -> Result<(), Failure> {
        self.file.map_or(Ok(()), TraceFile::finish)
    }
}

/// A capture file that is being written.
#[derive(Debug)]
pub(crate) struct TraceFile {
    path: PathBuf,
    writer: PcapngWriter<BufWriter<File>>,
    /// The first fault; nothing is written after it.
    fault: Option<io::Error>,
}

impl TraceFile {
    /// Begins a capture file in place of whatever was there.
    pub(crate) fn create(path: &Path) -> Result<Self, Failure> {
        let failed = |error| Failure::Trace { path: path.to_owned(), error };
        let file = File::create(path).map_err(failed)?;
        let writer = PcapngWriter::new(BufWriter::new(file)).map_err(|e| failed(fault(e)))?;
        Ok(Self { path: path.to_owned(), writer, fault: None })
    }

    fn write(&mut self, record: &Record) {
        if self.fault.is_some() {
            return;
        }
        // What fits into no packet is left out; the rest of the file is good.
        if let Err(WriteError::Io(error)) = self.writer.write(record) {
            self.fault = Some(error);
        }
    }

    fn finish(mut self) -> Result<(), Failure> {
        let fault = match self.fault.take() {
            Some(fault) => Some(fault),
            None => self.writer.flush().map_err(fault).err(),
        };
        fault.map_or(Ok(()), |error| Err(Failure::Trace { path: self.path, error }))
    }
}

fn fault(error: WriteError) -> io::Error {
    match error {
        WriteError::Io(error) => error,
        other => io::Error::other(other),
    }
}
