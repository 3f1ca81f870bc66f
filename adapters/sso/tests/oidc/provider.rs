//! An identity provider inside the test that says whatever it is told to say, and remembers what it was asked.

use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// One answer of the provider.
#[derive(Clone)]
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    /// After half of the body nothing more comes.
    pub(crate) stalls: bool,
}

/// One request to the provider.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) head: String,
    pub(crate) body: String,
}

#[derive(Default)]
struct World {
    pages: HashMap<String, Page>,
    asked: Vec<Asked>,
}

/// The provider; it stops when it is dropped.
pub(crate) struct Provider {
    pub(crate) issuer: String,
    world: Arc<Mutex<World>>,
    serving: JoinHandle<()>,
}

impl Page {
    pub(crate) fn json(body: &Value) -> Self {
        Self { status: 200, headers: Vec::new(), body: body.to_string().into_bytes(), stalls: false }
    }

    pub(crate) fn status(status: u16, body: &Value) -> Self {
        Self { status, ..Self::json(body) }
    }

    pub(crate) fn redirect(to: &str) -> Self {
        Self { status: 302, headers: vec![("location", to.to_owned())], body: Vec::new(), stalls: false }
    }
}

impl Provider {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let world = Arc::new(Mutex::new(World::default()));
        let of_server = Arc::clone(&world);
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&of_server)));
            }
        });
        let provider = Self { issuer, world, serving };
        provider.page("/.well-known/openid-configuration", Page::json(&provider.document()));
        provider
    }

    /// What a provider that does everything says of itself.
    pub(crate) fn document(&self) -> Value {
        let at = |path: &str| format!("{}{path}", self.issuer);
        json!({
            "issuer": self.issuer,
            "authorization_endpoint": at("/authorize"),
            "token_endpoint": at("/token"),
            "jwks_uri": at("/jwks"),
            "userinfo_endpoint": at("/userinfo"),
            "end_session_endpoint": at("/end?a=b"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256", "HS256", "none"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": true,
            "backchannel_logout_supported": true,
        })
    }

    /// Changes some of what it says of itself; null takes something away.
    pub(crate) fn say(&self, changes: Value) {
        let mut document = self.document();
        for (name, value) in changes.as_object().unwrap() {
            if value.is_null() {
                document.as_object_mut().unwrap().remove(name);
            } else {
                document[name] = value.clone();
            }
        }
        self.page("/.well-known/openid-configuration", Page::json(&document));
    }

    pub(crate) fn page(&self, path: &str, page: Page) {
        self.world.lock().unwrap().pages.insert(path.to_owned(), page);
    }

    pub(crate) fn page_body(&self, path: &str) -> Vec<u8> {
        self.world.lock().unwrap().pages[path].body.clone()
    }

    pub(crate) fn asked(&self, path: &str) -> Vec<Asked> {
        let world = self.world.lock().unwrap();
        world.asked.iter().filter(|asked| asked.path == path).cloned().collect()
    }

    /// Stops answering: connections are refused from now on.
    pub(crate) async fn stop(&mut self) {
        self.serving.abort();
        let _ = (&mut self.serving).await;
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(mut stream: TcpStream, world: Arc<Mutex<World>>) {
    let Some(asked) = read(&mut stream).await else { return };
    let page = {
        let mut world = world.lock().unwrap();
        world.asked.push(asked.clone());
        world.pages.get(&asked.path).cloned()
    };
    let page = page.unwrap_or_else(|| Page::status(404, &json!({})));
    let mut head = format!("HTTP/1.1 {} X\r\nconnection: close\r\ncontent-type: application/json\r\n", page.status);
    for (name, value) in &page.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("content-length: {}\r\n\r\n", page.body.len()));
    let (first, second) = page.body.split_at(page.body.len() / 2);
    // The client may have hung up, which is often what the test wants.
    let _ = stream.write_all(head.as_bytes()).await;
    let _ = stream.write_all(first).await;
    if page.stalls {
        std::future::pending::<()>().await;
    }
    let _ = stream.write_all(second).await;
    let _ = stream.shutdown().await;
}

async fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                let path = head.split(' ').nth(1)?.to_owned();
                return Some(Asked { path, head: head.to_owned(), body: body.to_owned() });
            }
        }
        match stream.read(&mut chunk).await.ok()? {
            0 => return None,
            count => bytes.extend_from_slice(&chunk[..count]),
        }
    }
}
