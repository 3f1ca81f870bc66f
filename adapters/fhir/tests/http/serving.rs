use crate::house::House;
use fhir::{ForwardedHeader, Limits, Proxies, ServeLimits, configure, serve};
use std::net::TcpListener;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

/// Serves on a port of its own while `talk` runs, then stops and waits for the end.
async fn while_serving<T>(limits: ServeLimits, talk: impl AsyncFnOnce(std::net::SocketAddr, House) -> T) -> T {
    let house = House::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let service = house.service(Limits::default());
    let limits = ServeLimits { workers: Some(1), ..limits };
    let proxies = Proxies::read(&["127.0.0.0/8".to_owned()], ForwardedHeader::XForwardedFor).unwrap();
    // Spawned as the gateway does it, which also needs it to be movable between threads.
    let server = tokio::spawn(serve(listener, None, configure(service), limits, proxies, async move {
        let _ = stopped.await;
    }));
    let said = talk(address, house).await;
    stop.send(()).unwrap();
    server.await.unwrap().unwrap();
    said
}

async fn exchange(address: std::net::SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer).await;
    answer
}

#[actix_web::test]
async fn the_server_answers_on_its_listener_until_it_is_stopped() {
    let (read, head) = while_serving(ServeLimits::default(), async |address, house: House| {
        let patient = house.store_patient(1).await;
        let ask = |method: &str| {
            format!("{method} /fhir/Patient/{patient} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer reader\r\nConnection: close\r\n\r\n")
        };
        (exchange(address, &ask("GET")).await, exchange(address, &ask("HEAD")).await)
    })
    .await;
    assert!(read.starts_with("HTTP/1.1 200 OK\r\n") && read.contains("\"birthDate\":\"1970-01-31\""), "{read}");
    let length = |answer: &str| {
        answer
            .to_lowercase()
            .split("content-length: ")
            .nth(1)
            .and_then(|rest| rest.split('\r').next().map(str::to_owned))
    };
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.ends_with("\r\n\r\n"), "{head}");
    assert_eq!(length(&head), length(&read));
}

#[actix_web::test]
async fn a_client_that_trickles_its_headers_is_cut_off() {
    let limits = ServeLimits { header_timeout: Duration::from_millis(100), ..ServeLimits::default() };
    let answer =
        while_serving(limits, async |address, _| exchange(address, "GET /fhir/metadata HTTP/1.1\r\nHost: x\r\n").await)
            .await;
    assert!(!answer.contains("200 OK"), "{answer}");
}

#[actix_web::test]
async fn bytes_that_are_no_request_end_the_connection_without_harm() {
    while_serving(ServeLimits::default(), async |address, _| {
        for junk in ["\x0bMSH|^~\\&|\x1c\r", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00"] {
            let answer = exchange(address, &format!("{junk}\r\n\r\n")).await;
            assert!(!answer.contains("200 OK"), "{answer}");
        }
        let answer = exchange(address, "GET /fhir/metadata HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"));
    })
    .await;
}

#[actix_web::test]
async fn what_a_trusted_proxy_says_of_a_clients_address_is_what_is_recorded() {
    let peers = while_serving(ServeLimits::default(), async |address, house: House| {
        for header in ["X-Forwarded-For: 203.0.113.1, 198.51.100.7", "Accept: */*"] {
            let ask = format!("GET /fhir/Patient HTTP/1.1\r\nHost: x\r\n{header}\r\nConnection: close\r\n\r\n");
            assert!(exchange(address, &ask).await.starts_with("HTTP/1.1 401"));
        }
        house.door.turned_away.lock().unwrap().iter().map(|attempt| attempt.peer.to_string()).collect::<Vec<_>>()
    })
    .await;
    assert_eq!(peers, ["198.51.100.7", "127.0.0.1"]);
}
