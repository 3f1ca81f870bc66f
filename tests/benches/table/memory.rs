//! Memory: what a gateway holds when it has nothing to do, and when very many connections have nothing to say.

use crate::gateway::House;
use crate::options::Options;
use crate::process;
use crate::table::{Row, Table};
use std::time::Duration;
use tokio::net::TcpStream;

/// Connections that say nothing.
const IDLE: usize = 10_000;
/// Files a process has open beside them.
const OTHER_FILES: u64 = 200;

/// Measures a gateway at rest and under idle connections.
pub(crate) async fn measure(options: &Options, table: &mut Table) {
    table.heading("memory of the gateway's process");
    let house = House::make(options, None).await;
    let served = house.serve().await;
    let settled = || tokio::time::sleep(Duration::from_secs(1));
    settled().await;
    let rest = served.resident_mib();
    let row = |what: &str, mib: f64, aim| Row {
        what: what.to_owned(),
        value: format!("{mib:.0} MiB"),
        aim,
        ..Row::default()
    };
    table.row(row("at rest", rest, "100 MiB"));
    if process::most_files() < IDLE as u64 + OTHER_FILES {
        table.note(format!("10 000 idle connections not measured: this system allows {} files", process::most_files()));
        served.stop();
        return;
    }
    let mut sockets = Vec::with_capacity(IDLE);
    for _ in 0..IDLE {
        sockets.push(TcpStream::connect(house.mllp).await.unwrap());
    }
    settled().await;
    table.row(row("more with 10 000 idle MLLP connections", served.resident_mib() - rest, "200 MiB"));
    drop(sockets);
    served.stop();
}
