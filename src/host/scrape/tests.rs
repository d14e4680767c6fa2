//! A server that is served by hand, so that time is what the test says.

use std::net::Shutdown;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::*;

struct Server {
    scrapes: Scrapes,
    now: BootTime,
    pages: usize,
    size: usize,
}

impl Server {
    fn new() -> Self {
        let scrapes = Scrapes::listen("127.0.0.1:0".parse().unwrap()).unwrap();
        Self { scrapes, now: BootTime(Duration::from_secs(100)), pages: 0, size: 4 }
    }

    fn connect(&self) -> TcpStream {
        TcpStream::connect(self.scrapes.address().unwrap()).unwrap()
    }

    fn serve(&mut self) {
        let (pages, size) = (&mut self.pages, self.size);
        self.scrapes.serve(self.now, &mut || {
            *pages += 1;
            "x".repeat(size)
        });
    }

    /// Whether it would wake the loop within this time.
    fn wakes_within(&self, milliseconds: u32) -> bool {
        let limit = Timespec { tv_sec: 0, tv_nsec: i64::from(milliseconds) * 1_000_000 };
        poll(&mut [PollFd::new(&self.scrapes.epoll, PollFlags::IN)], Some(&limit)).unwrap() > 0
    }

    /// Serves until it is so and nothing is ready any more: who says nothing wakes nobody. What a client sent may take its time where
    /// the machine is busy.
    #[track_caller]
    fn settle(&mut self, mut so: impl FnMut(&Self) -> bool) {
        let begun = Instant::now();
        while self.wakes_within(50) || !so(self) {
            assert!(begun.elapsed() < Duration::from_mins(1), "it doesn't settle");
            self.serve();
        }
    }

    fn ask(&mut self, question: &str) -> String {
        let mut client = self.connect();
        client.write_all(question.as_bytes()).unwrap();
        client.set_nonblocking(true).unwrap();
        let mut answer = Vec::new();
        self.settle(|_| client.read_to_end(&mut answer).is_ok());
        String::from_utf8(answer).unwrap()
    }
}

#[test]
fn it_answers_what_it_knows_and_refuses_the_rest() {
    let mut server = Server::new();
    for (question, status, body) in [
        ("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", "200 OK", "xxxx"),
        ("GET /metrics?a=b HTTP/1.0\r\n\r\n", "200 OK", "xxxx"),
        ("HEAD /metrics HTTP/1.1\r\n\r\n", "200 OK", ""),
        ("GET / HTTP/1.1\r\n\r\n", "200 OK", "/metrics\n"),
        ("GET /metric HTTP/1.1\r\n\r\n", "404 Not Found", "there is /metrics\n"),
        ("POST /metrics HTTP/1.1\r\n\r\n", "405 Method Not Allowed", "only GET and HEAD\n"),
        ("\r\n\r\n", "405 Method Not Allowed", "only GET and HEAD\n"),
    ] {
        let answer = server.ask(question);
        let (head, shown) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{question:?}: {answer}");
        assert_eq!(shown, body, "{question:?}");
    }
    assert_eq!(server.pages, 3);
    assert!(server.scrapes.clients.is_empty());
}

#[test]
fn a_slow_client_keeps_nobody_waiting_and_is_dropped() {
    let mut server = Server::new();
    let mut slow = server.connect();
    slow.write_all(b"GET /metrics HTTP/1.1\r\n").unwrap();
    server.settle(|server| server.scrapes.clients.len() == 1);
    assert!(server.ask("GET /metrics HTTP/1.1\r\n\r\n").ends_with("xxxx"));
    server.settle(|server| server.scrapes.clients.len() == 1);
    assert_eq!(server.scrapes.deadline(), Some(server.now.after(PATIENCE)));
    server.now = server.now.after(PATIENCE);
    server.serve();
    assert_eq!((server.scrapes.clients.len(), server.scrapes.deadline()), (0, None));
    assert_eq!(slow.read(&mut [0; 8]).unwrap_or(0), 0, "it was dropped");
}

#[test]
fn who_does_not_read_costs_nothing_until_it_is_dropped() {
    let mut server = Server::new();
    server.size = 32 << 20;
    let mut deaf = server.connect();
    deaf.write_all(b"GET /metrics HTTP/1.1\r\n\r\n").unwrap();
    server.settle(|server| server.pages == 1);
    assert_eq!(server.scrapes.clients.len(), 1, "the kernel has not room for it");
    server.now = server.now.after(PATIENCE);
    server.serve();
    assert!(server.scrapes.clients.is_empty());
}

#[test]
fn a_question_without_end_is_cut_off() {
    let mut server = Server::new();
    let mut client = server.connect();
    client.write_all(&vec![b'a'; QUESTION_BYTES_MAX + 2048]).unwrap();
    client.set_nonblocking(true).unwrap();
    let is_open = |error: std::io::Error| error.kind() == std::io::ErrorKind::WouldBlock;
    server.settle(|_| !client.peek(&mut [0; 8]).is_err_and(is_open));
    assert!(server.scrapes.clients.is_empty());
}

#[test]
fn more_clients_than_there_is_room_for_wait_for_their_turn() {
    let mut server = Server::new();
    let mut clients: Vec<TcpStream> = (0..CLIENTS_MAX + 3).map(|_| server.connect()).collect();
    server.settle(|server| server.scrapes.clients.len() == CLIENTS_MAX);
    clients.drain(..3).for_each(|client| client.shutdown(Shutdown::Both).unwrap());
    server.settle(|server| server.scrapes.clients.len() == CLIENTS_MAX);
    for client in &mut clients {
        client.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        client.set_nonblocking(true).unwrap();
    }
    let mut answered = 0;
    server.settle(|_| {
        // Each is answered and closed; what was read stays read.
        while clients.get_mut(answered).is_some_and(|client| client.read_to_end(&mut Vec::new()).is_ok()) {
            answered += 1;
        }
        answered == CLIENTS_MAX
    });
    assert!(server.scrapes.clients.is_empty(), "all were served");
    assert_eq!(server.scrapes.door, Door::Open);
}
