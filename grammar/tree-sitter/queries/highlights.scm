; Colours of match expressions, in the names that editors share.

(comment) @comment

(boolean) @boolean
(number) @number
(time) @number
(ip) @number

(string) @string
(raw_string) @string
(escape) @string.escape
(interpolation "${" @punctuation.special "}" @punctuation.special)
(interpolation (name) @variable)

(list_name) @constant

(call function: (name) @function)
(named_argument name: (identifier) @variable.parameter)
(lambda variable: (identifier) @variable.parameter)
(member field: (property) @property)
(name (identifier) @variable)
(name (property) @property)

(operator) @operator
[ "&&" "||" "!" "??" "+" "-" ".." "..=" "=>" ] @operator
[ "and" "or" "not" ] @keyword.operator

[ "(" ")" "[" "]" ] @punctuation.bracket
[ "," "." ":" ] @punctuation.delimiter
