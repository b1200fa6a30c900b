//! The process at the other end of a connection, killed as Lambda kills a function: at once, with no goodbye.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};

/// A process that holds a connection to a server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Client(Pid);

impl Client {
    /// Who is connected from this port of the loopback interface to that one.
    pub(crate) fn of_connection(client_port: u16, server_port: u16) -> Self {
        let inode = socket(client_port, server_port).unwrap_or_else(|| panic!("no connection from port {client_port}"));
        let link = format!("socket:[{inode}]");
        let processes = fs::read_dir("/proc").unwrap().filter_map(|entry| {
            let name = entry.ok()?.file_name();
            name.to_str()?.parse::<i32>().ok()
        });
        let holds = |process: &i32| {
            let files = fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten();
            files
                .filter_map(|file| fs::read_link(file.ok()?.path()).ok())
                .any(|target| target.as_os_str() == link.as_str())
        };
        let process = processes.into_iter().find(holds).unwrap();
        Self(Pid::from_raw(process).unwrap())
    }

    /// kill -9.
    pub(crate) fn kill(self) {
        kill_process(self.0, Signal::KILL).unwrap();
    }
}

/// The inode of the client's end of a connection, by the kernel's own table.
fn socket(client_port: u16, server_port: u16) -> Option<u64> {
    let (ours, theirs) = (
        format!("0100007F:{client_port:04X}"),
        format!("0100007F:{server_port:04X}"),
    );
    let table = fs::read_to_string("/proc/net/tcp").unwrap();
    table.lines().find_map(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let is_it = columns.get(1) == Some(&ours.as_str()) && columns.get(2) == Some(&theirs.as_str());
        is_it.then(|| columns.get(9)?.parse().ok()).flatten()
    })
}
