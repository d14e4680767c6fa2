//! An HTTP request over a connection that is tried without waiting for it.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::epoll;
use rustix::io::Errno;

use super::Answer;
use super::tcp::Connecting;
use crate::host::errno::errno_text;
use crate::host::name_service::Getent;
use crate::spec::HttpCheck;

/// A status line is among the first bytes, or the answer is none.
const ANSWER_MAX: usize = 4096;

/// A request under way.
#[derive(Debug)]
pub(super) struct Asking {
    pub(super) connecting: Connecting,
    check: HttpCheck,
    socket: Option<OwnedFd>,
    unsent: Vec<u8>,
    answer: Vec<u8>,
}

impl Asking {
    pub(super) fn begin(check: &HttpCheck, getent: &Getent, epoll: BorrowedFd<'_>) -> Result<Self, String> {
        let connecting = Connecting::begin(&check.host, check.port, getent, epoll)?;
        let unsent = request(check).into_bytes();
        Ok(Self { connecting, check: check.clone(), socket: None, unsent, answer: Vec::new() })
    }

    /// The answer, if there is one by now.
    pub(super) fn look(&mut self, epoll: BorrowedFd<'_>) -> Option<Answer> {
        if self.socket.is_none() {
            let connected = self.connecting.look(epoll)?;
            if !connected.ready {
                return Some(connected);
            }
            self.socket = self.connecting.take_connected();
        }
        let socket = self.socket.as_ref()?;
        let answer = match exchange(socket, &mut self.unsent, &mut self.answer) {
            Ok(over) => judge(&self.answer, over, &self.check.status),
            Err(errno) => Some(Answer::no(format!(
                "{}:{}: {}",
                self.check.host,
                self.check.port,
                errno_text(errno.raw_os_error())
            ))),
        };
        if answer.is_none() {
            // It was registered for the connection, once.
            let wanted = if self.unsent.is_empty() { epoll::EventFlags::IN } else { epoll::EventFlags::OUT };
            let flags = wanted | epoll::EventFlags::ONESHOT;
            let _ = epoll::modify(epoll, socket.as_fd(), epoll::EventData::new_u64(0), flags);
        }
        answer
    }
}

fn request(check: &HttpCheck) -> String {
    let mut text = format!("GET {} HTTP/1.1\r\n", check.path);
    let has = |name: &str| check.headers.keys().any(|own| own.eq_ignore_ascii_case(name));
    // An address of version 6 stands in brackets.
    let host = if check.host.contains(':') { format!("[{}]", check.host) } else { check.host.clone() };
    let usual = [
        ("Host", format!("{host}:{}", check.port)),
        ("User-Agent", concat!("selfsame/", env!("CARGO_PKG_VERSION")).to_owned()),
        ("Accept", "*/*".to_owned()),
    ];
    for (name, value) in usual.iter().filter(|(name, _)| !has(name)) {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    for (name, value) in &check.headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("Connection: close\r\n\r\n");
    text
}

/// Sends and receives what can be without waiting. True: nothing more will come, or nothing more is needed.
fn exchange(socket: &OwnedFd, unsent: &mut Vec<u8>, answer: &mut Vec<u8>) -> Result<bool, Errno> {
    while !unsent.is_empty() {
        match rustix::net::send(socket, unsent, rustix::net::SendFlags::NOSIGNAL) {
            Ok(sent) => drop(unsent.drain(..sent)),
            Err(Errno::AGAIN) => return Ok(false),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    let mut buffer = [0u8; 1024];
    while answer.len() < ANSWER_MAX && status_line(answer).is_none() {
        match rustix::io::read(socket, &mut buffer) {
            Ok(0) => return Ok(true),
            Ok(read) => answer.extend_from_slice(buffer.get(..read).unwrap_or_default()),
            Err(Errno::AGAIN) => return Ok(false),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(true)
}

fn status_line(answer: &[u8]) -> Option<&[u8]> {
    let end = answer.iter().position(|byte| *byte == b'\n')?;
    answer.get(..end)
}

fn judge(answer: &[u8], over: bool, good: &[(u16, u16)]) -> Option<Answer> {
    if !over {
        return None;
    }
    let status = status_line(answer).and_then(|line| {
        let mut words = std::str::from_utf8(line).ok()?.split_ascii_whitespace();
        words.next().filter(|version| version.starts_with("HTTP/"))?;
        words.next()?.parse::<u16>().ok()
    });
    Some(match status {
        Some(status) if good.iter().any(|(from, to)| (*from..=*to).contains(&status)) => Answer::yes(),
        Some(status) => Answer::no(format!("it answered with status {status}")),
        None if answer.is_empty() => Answer::no("the connection was closed without an answer"),
        None => Answer::no("what it answered is no HTTP"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_line_decides() {
        let good = [(200, 299), (404, 404)];
        let rows: [(&str, Result<(), &str>); 7] = [
            ("HTTP/1.1 200 OK\r\n", Ok(())),
            ("HTTP/1.0 404 Not Found\n", Ok(())),
            ("HTTP/1.1 299\r\n", Ok(())),
            ("HTTP/1.1 503 Service Unavailable\r\nX: y\r\n", Err("it answered with status 503")),
            ("SSH-2.0-OpenSSH_9.2\r\n", Err("what it answered is no HTTP")),
            ("HTTP/1.1 two\r\n", Err("what it answered is no HTTP")),
            ("", Err("the connection was closed without an answer")),
        ];
        for (text, expected) in rows {
            let answer = judge(text.as_bytes(), true, &good);
            let expected = expected.map_or_else(Answer::no, |()| Answer::yes());
            assert_eq!(answer, Some(expected), "{text:?}");
        }
        assert_eq!(judge(b"HTTP/1.1 2", false, &good), None);
    }

    #[test]
    fn own_headers_take_the_place_of_the_usual_ones() {
        let check = HttpCheck {
            host: "::1".into(),
            port: 80,
            path: "/health?x=1".into(),
            status: vec![(200, 399)],
            headers: [("host".to_owned(), "shop.example".to_owned())].into(),
        };
        let text = request(&check);
        assert!(text.starts_with("GET /health?x=1 HTTP/1.1\r\nUser-Agent: selfsame/"), "{text}");
        assert!(text.contains("\r\nhost: shop.example\r\n") && !text.contains("Host: "), "{text}");
        assert!(text.ends_with("\r\nConnection: close\r\n\r\n"));
        let plain = request(&HttpCheck { headers: [].into(), ..check });
        assert!(plain.contains("\r\nHost: [::1]:80\r\n"), "{plain}");
    }
}
