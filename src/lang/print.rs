//! The one canonical spelling of an expression.
//!
//! `and`, `or`, `not` become `&&`, `||`, `!`; a mixture of `&&` and `||` gets parentheses; strings that
//! were raw stay raw. Comments and line breaks are not part of the tree and are lost.

use std::fmt::{self, Display, Formatter, Write};

use super::ast::{ArithmeticOp, Expr, Kind, Literal, Piece, dotted};

/// How tightly a form binds; an operand in looser form gets parentheses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Binding {
    Or,
    And,
    Not,
    Compare,
    Default,
    Sum,
    Atom,
}

fn binding(kind: &Kind) -> Binding {
    match kind {
        Kind::Or(_) => Binding::Or,
        Kind::And(_) => Binding::And,
        Kind::Not(_) => Binding::Not,
        Kind::Compare { .. } => Binding::Compare,
        Kind::Default { .. } => Binding::Default,
        Kind::Arithmetic { .. } => Binding::Sum,
        _ => Binding::Atom,
    }
}

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Literal(literal) => literal.fmt(f),
            Kind::Interpolated(pieces) => interpolated(pieces, f),
            Kind::Name(words) => f.write_str(&dotted(words)),
            Kind::ListName(name) => write!(f, "@{name}"),
            Kind::List(items) => {
                f.write_char('[')?;
                joined(items, ", ", f)?;
                f.write_char(']')
            }
            Kind::Range { low, high, inclusive } => {
                optional(low.as_deref(), f)?;
                f.write_str(if *inclusive { "..=" } else { ".." })?;
                optional(high.as_deref(), f)
            }
            Kind::Member { base, name } => {
                tight(base, f)?;
                write!(f, ".{}", name.text)
            }
            Kind::Index { base, index } => {
                tight(base, f)?;
                write!(f, "[{index}]")
            }
            Kind::Call { function, arguments } => {
                write!(f, "{}(", dotted(function))?;
                for (position, argument) in arguments.iter().enumerate() {
                    f.write_str(if position == 0 { "" } else { ", " })?;
                    if let Some(name) = &argument.name {
                        write!(f, "{}: ", name.text)?;
                    }
                    argument.value.fmt(f)?;
                }
                f.write_char(')')
            }
            Kind::Lambda { variable, body } => write!(f, "{} => {body}", variable.text),
            // A comparison is inside `!` by precedence; the parentheses say so to the reader.
            Kind::Not(inner) => {
                f.write_char('!')?;
                operand(inner, binding(&inner.kind) < Binding::Atom && !matches!(inner.kind, Kind::Not(_)), f)
            }
            Kind::And(items) => logical(items, " && ", f),
            Kind::Or(items) => logical(items, " || ", f),
            Kind::Compare { op, left, right, .. } => {
                operand(left, binding(&left.kind) <= Binding::Compare, f)?;
                write!(f, " {} ", op.symbol())?;
                operand(right, binding(&right.kind) <= Binding::Compare, f)
            }
            Kind::Default { value, fallback } => {
                operand(value, binding(&value.kind) < Binding::Default, f)?;
                f.write_str(" ?? ")?;
                operand(fallback, binding(&fallback.kind) <= Binding::Default, f)
            }
            Kind::Arithmetic { op, left, right } => {
                operand(left, binding(&left.kind) < Binding::Sum, f)?;
                f.write_str(match op {
                    ArithmeticOp::Add => " + ",
                    ArithmeticOp::Subtract => " - ",
                })?;
                operand(right, binding(&right.kind) <= Binding::Sum, f)
            }
            Kind::Invalid(_) => f.write_char('…'),
        }
    }
}

fn joined(items: &[Expr], by: &str, f: &mut Formatter<'_>) -> fmt::Result {
    for (position, item) in items.iter().enumerate() {
        f.write_str(if position == 0 { "" } else { by })?;
        item.fmt(f)?;
    }
    Ok(())
}

fn logical(items: &[Expr], by: &str, f: &mut Formatter<'_>) -> fmt::Result {
    for (position, item) in items.iter().enumerate() {
        f.write_str(if position == 0 { "" } else { by })?;
        operand(item, matches!(item.kind, Kind::And(_) | Kind::Or(_)), f)?;
    }
    Ok(())
}

fn optional(expr: Option<&Expr>, f: &mut Formatter<'_>) -> fmt::Result {
    expr.map_or(Ok(()), |expr| expr.fmt(f))
}

/// Before a member or an index, which would belong to the end of a range.
fn tight(expr: &Expr, f: &mut Formatter<'_>) -> fmt::Result {
    operand(expr, binding(&expr.kind) < Binding::Atom || matches!(expr.kind, Kind::Range { .. }), f)
}

fn operand(expr: &Expr, parentheses: bool, f: &mut Formatter<'_>) -> fmt::Result {
    if parentheses { write!(f, "({expr})") } else { expr.fmt(f) }
}

impl Display for Literal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => value.fmt(f),
            Self::Int(_, text)
            | Self::Size(_, text)
            | Self::Duration(_, text)
            | Self::Time(_, text)
            | Self::Ratio(_, text) => f.write_str(text),
            Self::String(bytes, true) => raw(bytes, f),
            Self::String(bytes, false) => {
                f.write_char('"')?;
                cooked(bytes, f)?;
                f.write_char('"')
            }
            Self::Ip(address) => address.fmt(f),
            Self::Cidr(address, length) => write!(f, "{address}/{length}"),
        }
    }
}

fn interpolated(pieces: &[Piece], f: &mut Formatter<'_>) -> fmt::Result {
    f.write_char('"')?;
    for piece in pieces {
        match piece {
            Piece::Text(bytes) => cooked(bytes, f)?,
            Piece::Variable(name) => write!(f, "${{{}}}", name.text)?,
            Piece::Value(value) => write!(f, "${{{value}}}")?,
        }
    }
    f.write_char('"')
}

fn raw(bytes: &[u8], f: &mut Formatter<'_>) -> fmt::Result {
    let Ok(text) = std::str::from_utf8(bytes) else {
        f.write_char('"')?;
        cooked(bytes, f)?;
        return f.write_char('"');
    };
    let fences = ["", "#", "##", "###"];
    let fits = |fence: &&str| !text.contains(&format!("\"{fence}"));
    let fence = fences.into_iter().find(fits).unwrap_or_default();
    write!(f, "r{fence}\"{text}\"{fence}")
}

/// Writes the inside of a quoted string: text as it is, everything else as an escape.
fn cooked(bytes: &[u8], f: &mut Formatter<'_>) -> fmt::Result {
    for chunk in bytes.utf8_chunks() {
        let mut rest = chunk.valid().chars().peekable();
        while let Some(c) = rest.next() {
            match c {
                '"' => f.write_str("\\\"")?,
                '\\' => f.write_str("\\\\")?,
                '\n' => f.write_str("\\n")?,
                '\t' => f.write_str("\\t")?,
                '$' if rest.peek() == Some(&'{') => f.write_str("\\$")?,
                c if c.is_ascii_control() => write!(f, "\\x{:02x}", u32::from(c))?,
                c if c.is_control() => write!(f, "\\u{{{:x}}}", u32::from(c))?,
                c => f.write_char(c)?,
            }
        }
        for byte in chunk.invalid() {
            write!(f, "\\x{byte:02x}")?;
        }
    }
    Ok(())
}

/// The literal that stands for these bytes, quotes included.
pub fn quote(bytes: &[u8]) -> String {
    Literal::String(bytes.to_vec(), false).to_string()
}
