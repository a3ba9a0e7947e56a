//! A process that is measured, and ended with whoever started it.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::failure::Failure;

/// The core of the servers.
pub(crate) const SERVER_CORE: u32 = 0;
/// The core of the loads.
pub(crate) const LOAD_CORE: u32 = 1;

/// How long a server may take to end when it is asked to.
const PATIENCE: Duration = Duration::from_secs(10);

/// A command that runs on one core and is ended by the system if we are gone.
pub(crate) fn pinned(core: u32, program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", &core.to_string(), "setpriv", "--pdeathsig", "TERM"]).arg(program);
    command.stdin(Stdio::null());
    command
}

/// A running process with its children.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    name: String,
}

/// What a server has used so far.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    /// Time that the scheduler gave to all its threads, in microseconds.
    pub(crate) cpu: f64,
    /// Ticks of it in the programs themselves, and in the kernel for them.
    user: f64,
    system: f64,
    /// How often a thread went to sleep and was woken.
    pub(crate) wakes: f64,
    /// Memory that is its own, and its share of what it shares, in bytes.
    pub(crate) memory: f64,
}

impl Usage {
    /// What was used since then; the memory is that of now.
    pub(crate) fn since(&self, before: &Self) -> Self {
        Self {
            cpu: self.cpu - before.cpu,
            user: self.user - before.user,
            system: self.system - before.system,
            wakes: self.wakes - before.wakes,
            memory: self.memory,
        }
    }

    /// The part of the time that was not the kernel's, in microseconds: as exact as ticks are.
    pub(crate) fn user_cpu(&self) -> f64 {
        self.cpu * self.user / (self.user + self.system).max(1.0)
    }
}

impl Process {
    pub(crate) fn start(name: &str, command: &mut Command) -> Result<Self, Failure> {
        let child = command.spawn();
        let child =
            child.map_err(|error| Failure::usage(format!("{name} cannot start: {error}")))?;
        Ok(Self { child, name: name.to_owned() })
    }

    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// What it and its children have used.
    pub(crate) fn usage(&self) -> Result<Usage, Failure> {
        let mut usage = Usage { cpu: 0.0, user: 0.0, system: 0.0, wakes: 0.0, memory: 0.0 };
        for id in self.family() {
            usage.cpu += cpu(id).ok_or_else(|| self.gone())?;
            let [user, system] = ticks(id).ok_or_else(|| self.gone())?;
            usage.user += user;
            usage.system += system;
            usage.wakes += wakes(id);
            usage.memory += memory(id).ok_or_else(|| self.gone())?;
        }
        Ok(usage)
    }

    /// Fails if it has ended.
    pub(crate) fn check(&mut self) -> Result<(), Failure> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            _ => Err(self.gone()),
        }
    }

    /// Its own number and those of all that it has started.
    fn family(&self) -> Vec<u32> {
        let mut family = vec![self.child.id()];
        let mut next = 0;
        while let Some(id) = family.get(next).copied() {
            family.extend(children(id));
            next += 1;
        }
        family
    }

    fn gone(&self) -> Failure {
        Failure::tree(format!("{} has ended by itself", self.name))
    }
}

impl Drop for Process {
    /// Asks it to end, and ends it and its children if it does not.
    fn drop(&mut self) {
        let family = self.family();
        signal("TERM", self.child.id());
        let asked = Instant::now();
        while asked.elapsed() < PATIENCE {
            if matches!(self.child.try_wait(), Ok(Some(_)) | Err(_)) {
                break;
            }
            thread::sleep(Duration::from_millis(10));
        }
        if matches!(self.child.try_wait(), Ok(None)) {
            family.into_iter().for_each(|id| signal("KILL", id));
        }
        let _ = self.child.wait();
    }
}

/// The standard library knows no other signal than the one that cannot be handled.
fn signal(name: &str, id: u32) {
    let _ = Command::new("kill").arg(format!("-{name}")).arg(id.to_string()).status();
}

fn children(id: u32) -> Vec<u32> {
    let numbers = |text: String| -> Vec<u32> {
        text.split_ascii_whitespace().filter_map(|word| word.parse().ok()).collect()
    };
    threads(id, "children").into_iter().flat_map(numbers).collect()
}

/// Microseconds; the first number of schedstat is nanoseconds on the processor.
fn cpu(id: u32) -> Option<f64> {
    let threads = threads(id, "schedstat");
    let first = |text: &String| text.split_ascii_whitespace().next()?.parse::<f64>().ok();
    let nanoseconds: Vec<f64> = threads.iter().filter_map(first).collect();
    (!nanoseconds.is_empty()).then(|| nanoseconds.iter().sum::<f64>() / 1e3)
}

/// Ticks in user mode and in the kernel: the twelfth and thirteenth field behind the name, which
/// may hold anything (proc_pid_stat(5)).
fn ticks(id: u32) -> Option<[f64; 2]> {
    let text = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let (_, fields) = text.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11).map(|field| field.parse().ok());
    Some([fields.next()??, fields.next()??])
}

/// How often its threads gave the processor away because they had nothing to do.
fn wakes(id: u32) -> f64 {
    let switches = |text: String| -> Option<f64> {
        let line = text.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
        line.trim().parse().ok()
    };
    threads(id, "status").into_iter().filter_map(switches).sum()
}

/// A file of every thread.
fn threads(id: u32, file: &str) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(format!("/proc/{id}/task")) else { return Vec::new() };
    let read = |path: &Path| std::fs::read_to_string(path.join(file)).ok();
    entries.flatten().filter_map(|entry| read(&entry.path())).collect()
}

fn memory(id: u32) -> Option<f64> {
    let text = std::fs::read_to_string(format!("/proc/{id}/smaps_rollup")).ok()?;
    let line = text.lines().find(|line| line.starts_with("Pss:"))?;
    let kibibytes: f64 = line.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(kibibytes * 1024.0)
}
