//! From the bound tree to tests over plain data, definitions seen through. What has no plain form becomes [`Test::Long`], which is always right.

use std::sync::Arc;

use memchr::memmem::Finder;

use super::{Datum, Layout, Plain, Test};
use crate::lang::ast::CompareOp;
use crate::lang::ir::{Access, Builtin, By, Kind, Node, Operands};
use crate::lang::value::{Type, Value};

/// The test of a condition.
pub(super) fn condition(node: &Node, layout: &mut Layout, plain: &dyn Plain) -> Test {
    let mut compiler = Compiler { layout, plain };
    compiler.condition(node)
}

struct Compiler<'a> {
    layout: &'a mut Layout,
    plain: &'a dyn Plain,
}

impl Compiler<'_> {
    fn condition(&mut self, node: &Node) -> Test {
        match &node.bare().kind {
            Kind::Const(Value::Bool(value)) => Test::Always(*value),
            Kind::Field { .. } => self.place(node).map_or(Test::Long, Test::Flag),
            Kind::Not(inner) => match self.condition(inner) {
                Test::Long => Test::Long,
                test => Test::Not(Box::new(test)),
            },
            Kind::And(operands) => self.all(operands).map_or(Test::Long, Test::All),
            Kind::Or(operands) => self.all(operands).map_or(Test::Long, Test::Any),
            Kind::Compare { op, by, left, right } => {
                self.comparison(*op, *by, left, right).unwrap_or(Test::Long)
            }
            Kind::Regex { text, regex } => match self.place(text) {
                Some(place) if text.ty == Type::String => Test::Regex(place, regex.clone()),
                _ => Test::Long,
            },
            Kind::Builtin(Builtin::Has, arguments) => match arguments.as_slice() {
                [subject] => self.place(subject).map_or(Test::Long, Test::Has),
                _ => Test::Long,
            },
            _ => Test::Long,
        }
    }

    /// In the order of cost. `None` if none of them has a plain form.
    fn all(&mut self, operands: &Operands) -> Option<Box<[Test]>> {
        let items = operands.order.iter().filter_map(|at| operands.items.get(*at));
        let tests: Box<[Test]> = items.map(|item| self.condition(item)).collect();
        let of_use = tests.iter().any(|test| !matches!(test, Test::Long));
        of_use.then_some(tests)
    }

    fn comparison(&mut self, op: CompareOp, by: By, left: &Node, right: &Node) -> Option<Test> {
        if let (CompareOp::Equal, None) = (op, field(left)) {
            // `"nginx" == comm`
            if field(right).is_some() || matches!(right.bare().kind, Kind::Index { .. }) {
                return self.comparison_with(op, by, right, left);
            }
        }
        self.comparison_with(op, by, left, right)
    }

    fn comparison_with(&mut self, op: CompareOp, by: By, subject: &Node, other: &Node) -> Option<Test> {
        let value = match other.constant() {
            Some(value) => value.clone(),
            None => self.plain.fixed(other.bare())?,
        };
        if let Kind::Index { list, index } = &subject.bare().kind {
            return self.word(op, by, list, index, &value);
        }
        let access = field(subject)?;
        match (op, &value) {
            (CompareOp::Equal, _) => {
                let datum = self.datum(access, by, &subject.ty, &value)?;
                Some(Test::Equal(self.place(subject)?, datum))
            }
            (CompareOp::In, Value::List(items)) => {
                let data: Option<Box<[Datum]>> =
                    items.iter().map(|item| self.datum(access, by, &subject.ty, item)).collect();
                Some(Test::Among(self.place(subject)?, data?))
            }
            (CompareOp::Contains, Value::String(part)) if is_words(&subject.ty) && by == By::Core => {
                Some(Test::HasWord(self.place(subject)?, Arc::clone(part)))
            }
            (_, Value::String(part)) if subject.ty == Type::String && by == By::Core => {
                let place = self.place(subject)?;
                match op {
                    CompareOp::Contains => {
                        Some(Test::Contains(place, Box::new(Finder::new(part).into_owned())))
                    }
                    CompareOp::StartsWith => Some(Test::Starts(place, part[..].into())),
                    CompareOp::EndsWith => Some(Test::Ends(place, part[..].into())),
                    _ => None,
                }
            }
            (CompareOp::Less | CompareOp::LessEqual | CompareOp::Greater | CompareOp::GreaterEqual, _)
                if by == By::Core =>
            {
                match Datum::of(&value) {
                    Datum::Int(bound) => Some(Test::Order(self.place(subject)?, op, bound)),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// `argv[1] == "serve"`
    fn word(&mut self, op: CompareOp, by: By, list: &Node, index: &Node, value: &Value) -> Option<Test> {
        match (op, by, index.constant(), value) {
            (CompareOp::Equal, By::Core, Some(Value::Int(at)), Value::String(wanted))
                if is_words(&list.ty) =>
            {
                Some(Test::Word(self.place(list)?, *at, Arc::clone(wanted)))
            }
            _ => None,
        }
    }

    /// What equality with a value means in plain data.
    fn datum(&self, access: &Access, by: By, of: &Type, value: &Value) -> Option<Datum> {
        match by {
            By::Core if *of == Type::Path => None,
            By::Core => match Datum::of(value) {
                Datum::Opaque => None,
                datum => Some(datum),
            },
            By::Vocabulary { .. } => self.plain.constant(access.id, value),
        }
    }

    /// The place of a field of the candidate itself.
    fn place(&mut self, node: &Node) -> Option<usize> {
        let access = field(node)?;
        Some(self.layout.place(access.id, access.cost))
    }
}

fn is_words(ty: &Type) -> bool {
    matches!(ty, Type::List(of) if **of == Type::String)
}

/// A field of the candidate itself, not of its parent or of an element. What a plugin answers has no plain form: it is asked
/// the long way, after all that is plain and could decide.
fn field(node: &Node) -> Option<&Access> {
    match &node.bare().kind {
        Kind::Field { owner, field } if matches!(owner.bare().kind, Kind::Candidate) => {
            Some(field).filter(|field| field.id.vocabulary == 0)
        }
        _ => None,
    }
}
