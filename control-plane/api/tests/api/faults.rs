//! Postgres goes away and comes back; the service is stopped in the middle.

use std::net::SocketAddr;
use std::time::Duration;

use kerf_control_store::testing::TestDatabase;
use reqwest::Method;
use serde_json::json;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::harness::{Answer, Options, Server, checkout, config, eventually, run};
use crate::publishing::adopted;

/// A port in front of Postgres that can be closed, with every connection through it.
struct Door {
    port: u16,
    postgres: SocketAddr,
    open: Option<JoinHandle<()>>,
}

impl Door {
    fn in_front_of(url: &str) -> Self {
        let address = url.split('@').nth(1).unwrap().split('/').next().unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Self { port, postgres: address.parse().unwrap(), open: None }
    }

    fn url(&self, url: &str) -> String {
        url.replace(&self.postgres.to_string(), &format!("127.0.0.1:{}", self.port))
    }

    async fn open(&mut self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.unwrap();
        let postgres = self.postgres;
        self.open = Some(tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (mut client, _) = listener.accept().await.unwrap();
                connections.spawn(async move {
                    let mut server = TcpStream::connect(postgres).await.unwrap();
                    drop(copy_bidirectional(&mut client, &mut server).await);
                });
            }
        }));
    }

    async fn close(&mut self) {
        let open = self.open.take().unwrap();
        open.abort();
        assert!(open.await.unwrap_err().is_cancelled());
    }
}

#[tokio::test]
async fn without_postgres_the_answer_is_503_and_it_ends_when_postgres_is_back() {
    let database = TestDatabase::new().await;
    let key = kerf_control_api::create_key(&database.url(), "production", "admin", "test").await.unwrap();
    let mut door = Door::in_front_of(&database.url());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let options = Options { publish_dir: Some(folder.path().into()), ..Options::default() };
    let (stop, running) = run(config(door.url(&database.url()), options), listener);
    let client = reqwest::Client::new();
    let call = async |method: Method, path: &str| {
        let request = client.request(method, format!("{base}{path}")).bearer_auth(&key).json(&checkout());
        Answer::of(request.send().await.unwrap()).await
    };

    // It starts although Postgres is away.
    call(Method::GET, "/healthz").await.is(200);
    call(Method::GET, "/readyz").await.is_problem(503, "unavailable");
    let refused = call(Method::POST, "/api/v1/experiments").await;
    assert_eq!(refused.is_problem(503, "unavailable").header("retry-after"), "2");

    door.open().await;
    eventually("it finds Postgres", || async { call(Method::GET, "/readyz").await.status == 200 }).await;
    call(Method::POST, "/api/v1/experiments").await.is(201);

    door.close().await;
    let refused = call(Method::GET, "/api/v1/experiments").await;
    assert_eq!(refused.is_problem(503, "unavailable").header("retry-after"), "2");
    call(Method::GET, "/readyz").await.is_problem(503, "unavailable");
    call(Method::GET, "/healthz").await.is(200);

    door.open().await;
    eventually("it finds Postgres again", || async { call(Method::GET, "/readyz").await.status == 200 })
        .await;
    assert_eq!(call(Method::GET, "/api/v1/experiments").await.is(200).body["items"][0]["version"], 1);
    let pointer = folder.path().join("kerf/production/current");
    eventually("it publishes again", || async { pointer.exists() }).await;
    stop.send(()).unwrap();
    running.await.unwrap();
}

#[tokio::test]
async fn what_was_committed_is_published_by_whoever_comes_next() {
    // Nothing publishes here, as if the process had died between commit and publish.
    let server = Server::start().await;
    server.post("/api/v1/experiments", &checkout()).await.is(201);
    server.act("checkout_button_color", "start").await.is(200);
    let database = server.stop().await;

    let folder = tempfile::tempdir().unwrap();
    let options = Options { publish_dir: Some(folder.path().into()), ..Options::default() };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (stop, running) = run(config(database.url(), options), listener);
    let key = "checkout_button_color";
    adopted(folder.path(), "the experiment", |bundle| bundle.find(key).is_some()).await;
    stop.send(()).unwrap();
    running.await.unwrap();
}

#[tokio::test]
async fn a_request_in_flight_is_answered_before_the_end() {
    let server = Server::start().await;
    server.post("/api/v1/experiments", &checkout()).await.is(201);
    // The row is locked by somebody else for a second, so that the request is still open when the end is asked for.
    let lock = "begin; select from experiment for update; select pg_sleep(1); commit";
    let holder = tokio::spawn(TestDatabase::execute_at(server.database.url(), lock));
    tokio::time::sleep(Duration::from_millis(300)).await;
    let path = "/api/v1/experiments/checkout_button_color";
    let request = server.request(Method::PATCH, path, &server.admin).header("if-match", "\"v1\"");
    let request = tokio::spawn(request.json(&json!({"traffic_percent": 30})).send());
    tokio::time::sleep(Duration::from_millis(200)).await;
    let _database = server.stop().await;
    assert_eq!(request.await.unwrap().unwrap().status(), 200);
    holder.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_configuration_that_cannot_work_says_what_to_do() {
    let wrong = |change: fn(&mut kerf_control_api::Config)| {
        let mut config = config("postgres://kerf@127.0.0.1:1/kerf".into(), Options::default());
        change(&mut config);
        async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            kerf_control_api::serve(config, listener, std::future::pending()).await.unwrap_err().to_string()
        }
    };
    assert!(wrong(|config| config.environment = "Production".into()).await.contains("KERF_ENVIRONMENT"));
    assert!(wrong(|config| config.database_url = "mysql:/".into()).await.contains("DATABASE_URL"));
    let refused = kerf_control_api::create_key("postgres://x@127.0.0.1:1/x", "production", "root", "n").await;
    assert!(refused.unwrap_err().to_string().contains("viewer and admin"));
}
