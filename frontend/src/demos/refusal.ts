// Why the server refused a request, for people.

/** The reason in an answer such as "400 bad request: the text is empty". */
export function reasonIn(answer: string): string {
  return answer.trim().replace(/^\d{3}[^:]*: /, "");
}
