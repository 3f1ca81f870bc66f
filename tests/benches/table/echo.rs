//! The MLLP echo: a bare listener that answers every frame with the same acknowledgement.

use crate::load::{Until, drive};
use crate::message::{Messages, send};
use crate::options::Options;
use crate::process;
use crate::table::{Row, Table, per_second};
use std::io::{BufRead, BufReader};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Makes this binary the echo.
pub(crate) const ARGUMENT: &str = "--be-the-echo";

const ANSWER: &[u8] = b"\x0bMSH|^~\\&|ECHO||||20260301||ACK^R01^ACK|1|P|2.5.1\rMSA|AA|1\r\x1c\r";

/// Measures what the socket and the sender alone allow.
pub(crate) async fn measure(options: &Options, table: &mut Table) {
    table.heading("raw limits: an MLLP listener that only answers");
    let mut echo = Command::new(std::env::current_exe().unwrap()).arg(ARGUMENT).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(echo.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().parse().unwrap();
    let messages = Arc::new(Messages::new());
    for connections in [1, 32] {
        let mut runs = Vec::new();
        for _ in 0..options.runs {
            let before = process::cpu_of(echo.id());
            let load =
                drive(connections, Until::Time(options.time), |_, quota| send(address, Arc::clone(&messages), quota))
                    .await;
            runs.push((load, process::cpu_of(echo.id()).saturating_sub(before)));
        }
        runs.sort_by(|(one, _), (other, _)| one.rate().total_cmp(&other.rate()));
        let (load, cpu) = runs.swap_remove(runs.len() / 2);
        table.row(Row {
            what: format!("echo, {connections} connections"),
            value: per_second(load.rate()),
            p50: load.percentile(0.5),
            p99: load.percentile(0.99),
            gateway_cpu: Some(cpu.as_secs_f64() * 1e6 / load.answers()),
            sender_cpu: Some(load.sender_cpu.as_secs_f64() * 1e6 / load.answers()),
            ..Row::default()
        });
    }
    echo.kill().unwrap();
    echo.wait().unwrap();
}

/// Is the echo, in a process of its own, until it is killed; prints its address first.
pub(crate) fn serve() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("{}", listener.local_addr().unwrap());
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(converse(socket));
        }
    });
    ExitCode::SUCCESS
}

async fn converse(mut socket: TcpStream) {
    let _ = socket.set_nodelay(true);
    let mut buffer = vec![0; 16_384];
    let mut last = 0;
    while let Ok(read @ 1..) = socket.read(&mut buffer).await {
        for byte in buffer.iter().take(read) {
            if (last, *byte) == (0x1c, b'\r') && socket.write_all(ANSWER).await.is_err() {
                return;
            }
            last = *byte;
        }
    }
}
