/** Arithmetic in number fields: `64*4`, `(3+1)/2`. Pure; numbers, + - * / % and brackets, and nothing else. */

/** The value of an expression, or null when it is none. */
export function evaluate(text: string): number | null {
  const tokens = text.replaceAll(",", ".").match(/\d*\.?\d+(?:e[+-]?\d+)?|[-+*/%()]|\S/gi) ?? [];
  let position = 0;

  function sum(): number {
    let value = product();
    while (tokens[position] === "+" || tokens[position] === "-") {
      const sign = tokens[position++] === "+" ? 1 : -1;
      value += sign * product();
    }
    return value;
  }

  function product(): number {
    let value = signed();
    for (
      let operator = tokens[position];
      operator === "*" || operator === "/" || operator === "%";
      operator = tokens[position]
    ) {
      position += 1;
      const other = signed();
      value = operator === "*" ? value * other : operator === "/" ? value / other : value % other;
    }
    return value;
  }

  function signed(): number {
    if (tokens[position] !== "-" && tokens[position] !== "+") return atom();
    return tokens[position++] === "-" ? -signed() : signed();
  }

  function atom(): number {
    const token = tokens[position++];
    if (token !== "(") return token !== undefined && /^[\d.]/.test(token) ? Number(token) : Number.NaN;
    const value = sum();
    return tokens[position++] === ")" ? value : Number.NaN;
  }

  // Brackets deeper than anyone types would exhaust the stack.
  if (tokens.length === 0 || tokens.length > 200) return null;
  const value = sum();
  return position === tokens.length && Number.isFinite(value) ? value : null;
}
