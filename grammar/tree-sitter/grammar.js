/**
 * The match expression for editors. `../match.pest` is the grammar that the program reads with; this one follows it
 * rule by rule and takes the same texts (tests/editor/tree_sitter.rs runs both over the same cases). It names no mistakes:
 * what people write by habit is an ERROR here.
 */

/// <reference types="tree-sitter-cli/dsl" />

const WORDS = ['true', 'false', 'and', 'or', 'not', 'in', 'like', 'contains', 'starts_with', 'ends_with', 'under'];

// Loosest first, as in the readme on top of match.pest.
const PREC = { or: 1, and: 2, not: 3, compare: 4, default: 5, sum: 6, range: 7, postfix: 8 };

module.exports = grammar({
  name: 'selfsame',

  word: $ => $.identifier,

  reserved: { global: _ => WORDS },

  extras: $ => [/[ \t\r\n]/, $.comment],

  rules: {
    source_file: $ => $._formula,

    comment: _ => /#[^\n]*/,

    // ---- formulas

    _formula: $ => choice($.or_expression, $.and_expression, $.not_expression, $.comparison, $._operand),

    or_expression: $ => prec.left(PREC.or, seq($._formula, choice('||', 'or'), $._formula)),
    and_expression: $ => prec.left(PREC.and, seq($._formula, choice('&&', 'and'), $._formula)),
    not_expression: $ => prec(PREC.not, seq(choice('!', 'not'), $._formula)),

    // Both sides are operands, so that comparisons do not chain.
    comparison: $ => prec(PREC.compare, seq(
      field('left', $._operand),
      field('operator', $.operator),
      field('right', choice($._operand, $.not_expression)),
    )),
    operator: _ => choice(
      '==', '!=', '<', '<=', '>', '>=', '=~', '!~',
      'in', seq('not', 'in'), 'like', 'contains', 'starts_with', 'ends_with', 'under',
    ),

    // ---- operands

    _operand: $ => choice($.default_expression, $.sum, $.range, $._postfix),

    default_expression: $ => prec.left(PREC.default, seq($._operand, '??', $._operand)),
    sum: $ => prec.left(PREC.sum, seq($._operand, choice('+', '-'), $._operand)),

    range: $ => prec.right(PREC.range, choice(
      seq($._bound, choice('..', '..='), optional($._bound)),
      seq(choice('..', '..='), $._bound),
    )),
    _bound: $ => choice($._literal, $.name),

    _postfix: $ => choice($.name, $._value),
    _value: $ => choice($._literal, $.call, $.list, $.group, $.list_name, $.index, $.member),

    group: $ => seq('(', $._formula, ')'),
    list: $ => seq('[', optional(seq($._formula, repeat(seq(',', $._formula)))), ']'),
    index: $ => prec(PREC.postfix, seq($._postfix, '[', $._formula, ']')),
    member: $ => prec(PREC.postfix, seq($._value, '.', field('field', $.property))),

    call: $ => prec(PREC.postfix, seq(
      field('function', $.name),
      '(',
      optional(seq($._argument, repeat(seq(',', $._argument)))),
      ')',
    )),
    _argument: $ => choice($.lambda, $.named_argument, $._formula),
    lambda: $ => seq(field('variable', $.identifier), '=>', field('body', $._formula)),
    named_argument: $ => seq(field('name', $.identifier), ':', field('value', $._formula)),

    // ---- names

    name: $ => prec.right(PREC.postfix, seq($.identifier, repeat(seq('.', $.property)))),
    // Behind a dot every word is a name, and nothing stands between.
    property: _ => token.immediate(/[A-Za-z_][A-Za-z0-9_]*/),
    identifier: _ => /[A-Za-z_][A-Za-z0-9_]*/,
    list_name: _ => /@[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*/,

    // ---- literals

    _literal: $ => choice($.boolean, $.string, $.raw_string, $.time, $.ip, $.number),

    boolean: _ => choice('true', 'false'),
    number: _ => /-?[0-9]([A-Za-z0-9_]|\.[0-9])*%?/,
    time: _ => /@[0-9]([A-Za-z0-9_:+-]|\.[0-9])*/,
    ip: _ => token(prec(1, choice(
      /[0-9]{1,3}(\.[0-9]{1,3}){3}(\/[0-9]+)?/,
      /[0-9a-fA-F]{0,4}(:[0-9a-fA-F]{0,4}){2,7}(\.[0-9]{1,3}){0,3}(\/[0-9]+)?/,
    ))),

    string: $ => seq(
      '"',
      repeat(choice($.string_content, $.escape, $.interpolation)),
      token.immediate('"'),
    ),
    string_content: _ => token.immediate(prec(1, /[^"\\$]+|\$/)),
    escape: _ => token.immediate(prec(1, /\\(x[0-9a-fA-F]{2}|u\{[0-9a-fA-F]+\}|[^xu])/)),
    interpolation: $ => seq(token.immediate(prec(2, '${')), $.name, '}'),

    // Up to three fences, each body free of its own end.
    raw_string: _ => token(choice(
      /r"[^"]*"/,
      /r#"([^"]|"+[^"#])*"+#/,
      /r##"([^"]|"("|#")*([^"#]|#[^"#]))*"("|#")*##/,
      /r###"([^"]|"("|#"|##")*([^"#]|#[^"#]|##[^"#]))*"("|#"|##")*###/,
    )),
  },
});
