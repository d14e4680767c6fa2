//! Values on their way out of a module.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::tag;
use crate::lang::value::{Type, Value};
use crate::plugin::answer::{Answer, line};
use crate::plugin::limits::{OPAQUE_MAX, TEXT_MAX};
use crate::plugin::own::{Opaque, Own};

/// Why bytes are no value of a type.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum WireError {
    /// They end inside of a value.
    #[error("the result ends in the middle of a value")]
    Short,
    /// Something follows the value.
    #[error("{0} bytes follow the result")]
    Trailing(usize),
    /// Another type than the declared one.
    #[error("the result is of type {found}, not {declared}")]
    Type {
        /// In words.
        found: &'static str,
        /// As declared.
        declared: String,
    },
    /// A byte that begins no value.
    #[error("the result begins with {0:#04x}, which is no type")]
    Tag(u8),
    /// Something that the type can't be.
    #[error("the result has {0}")]
    Value(&'static str),
    /// A word that an enumeration doesn't have.
    #[error("the result is `{word}`, which is no {declared}")]
    Word {
        /// As far as it is fit to be shown.
        word: String,
        /// The enumeration.
        declared: &'static str,
    },
}

/// Reads the one value that the bytes are, of the declared type, absent or unknown. The type is one of the language.
pub fn answer(bytes: &[u8], declared: &Type) -> Result<Answer, WireError> {
    answer_of(bytes, declared, &Own::default())
}

/// The same of a plugin with types of its own.
pub fn answer_of(bytes: &[u8], declared: &Type, own: &Own) -> Result<Answer, WireError> {
    let mut reader = Reader(bytes, own);
    let answer = match reader.peek()? {
        tag::ABSENT => {
            reader.byte()?;
            Answer::Absent
        }
        tag::UNKNOWN => {
            reader.byte()?;
            Answer::Unknown(line(reader.text()?, TEXT_MAX))
        }
        _ => match declared {
            Type::Map(of) => Answer::Map(Arc::new(reader.map(declared, of)?)),
            _ => Answer::Value(reader.value(declared)?),
        },
    };
    if reader.0.is_empty() { Ok(answer) } else { Err(WireError::Trailing(reader.0.len())) }
}

/// What is left.
struct Reader<'a>(&'a [u8], &'a Own);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], WireError> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(WireError::Short)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let (taken, rest) = self.0.split_first_chunk::<N>().ok_or(WireError::Short)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn peek(&self) -> Result<u8, WireError> {
        self.0.first().copied().ok_or(WireError::Short)
    }

    fn byte(&mut self) -> Result<u8, WireError> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    fn number(&mut self) -> Result<i64, WireError> {
        Ok(i64::from_le_bytes(self.array()?))
    }

    fn length(&mut self) -> Result<usize, WireError> {
        usize::try_from(u32::from_le_bytes(self.array()?)).map_err(|_| WireError::Short)
    }

    /// A number of things, each of which takes at least so many bytes: more than fit are not there.
    fn count(&mut self, least: usize) -> Result<usize, WireError> {
        let count = self.length()?;
        if count > self.0.len() / least { Err(WireError::Short) } else { Ok(count) }
    }

    fn text(&mut self) -> Result<&'a [u8], WireError> {
        let length = self.length()?;
        self.take(length)
    }

    /// The tag that the declared type has.
    fn tag(&mut self, wanted: u8, declared: &Type) -> Result<(), WireError> {
        match self.byte()? {
            tag if tag == wanted => Ok(()),
            tag if tag::word(tag) == "no type" => Err(WireError::Tag(tag)),
            tag => Err(WireError::Type { found: tag::word(tag), declared: declared.to_string() }),
        }
    }

    fn value(&mut self, declared: &Type) -> Result<Value, WireError> {
        let own = self.1;
        let mut tagged = |tag| self.tag(tag, declared);
        Ok(match declared {
            Type::Bool => {
                tagged(tag::BOOL)?;
                match self.byte()? {
                    0 => Value::Bool(false),
                    1 => Value::Bool(true),
                    _ => return Err(WireError::Value("a bool that is neither 0 nor 1")),
                }
            }
            Type::Int => {
                tagged(tag::INT)?;
                Value::Int(self.number()?)
            }
            Type::String => {
                tagged(tag::STRING)?;
                Value::string(self.text()?)
            }
            Type::Path => {
                tagged(tag::PATH)?;
                Value::path(self.text()?)
            }
            Type::Size => {
                tagged(tag::SIZE)?;
                match self.number()? {
                    size @ 0.. => Value::Size(size),
                    _ => return Err(WireError::Value("a size below zero")),
                }
            }
            Type::Duration => {
                tagged(tag::DURATION)?;
                Value::Duration(self.number()?)
            }
            Type::Time => {
                tagged(tag::TIME)?;
                Value::Time(self.number()?)
            }
            Type::Ratio => {
                tagged(tag::RATIO)?;
                Value::Ratio(self.number()?)
            }
            Type::Ip => {
                tagged(tag::IP)?;
                Value::Ip(self.address()?)
            }
            Type::Cidr => {
                tagged(tag::CIDR)?;
                let address = self.address()?;
                let widest = if address.is_ipv4() { 32 } else { 128 };
                match self.byte()? {
                    prefix if prefix <= widest => Value::Cidr(address, prefix),
                    _ => return Err(WireError::Value("a network with too long a prefix")),
                }
            }
            Type::List(of) => {
                tagged(tag::LIST)?;
                // A bool is the shortest value.
                let count = self.count(2)?;
                let items: Result<Arc<[Value]>, WireError> = (0..count).map(|_| self.value(of)).collect();
                Value::List(items?)
            }
            Type::Enum(name) if let Some(words) = own.words(name) => {
                tagged(tag::ENUM)?;
                let text = self.text()?;
                match words.iter().find(|word| word.as_bytes() == text) {
                    Some(word) => Value::Enum(name, word),
                    None => return Err(WireError::Word { word: line(text, 40), declared: name }),
                }
            }
            Type::Named(name) if own.named(name).is_some() => {
                tagged(tag::OPAQUE)?;
                let bytes = self.text()?;
                if bytes.len() > OPAQUE_MAX {
                    return Err(WireError::Value("a value of a type of its own that is too long"));
                }
                Value::Object(Arc::new(Opaque { ty: name, bytes: bytes.into() }))
            }
            Type::Map(_) | Type::Enum(_) | Type::Named(_) => {
                return Err(WireError::Value("a value of a type that plugins don't know"));
            }
        })
    }

    fn map(&mut self, declared: &Type, of: &Type) -> Result<BTreeMap<Vec<u8>, Value>, WireError> {
        self.tag(tag::MAP, declared)?;
        let count = self.count(6)?;
        let mut entries = BTreeMap::new();
        for _ in 0..count {
            let key = self.text()?.to_vec();
            let value = self.value(of)?;
            if entries.insert(key, value).is_some() {
                return Err(WireError::Value("a map with a key that stands in it twice"));
            }
        }
        Ok(entries)
    }

    fn address(&mut self) -> Result<IpAddr, WireError> {
        match self.byte()? {
            4 => Ok(IpAddr::from(self.array::<4>()?)),
            6 => Ok(IpAddr::from(self.array::<16>()?)),
            _ => Err(WireError::Value("an address that is neither of version 4 nor of 6")),
        }
    }
}
