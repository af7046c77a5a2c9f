/* The words of the page in every language. */
export const WORDS = {
  "pt-BR": {
    title: "Respostas para chamados",
    lead: "A resposta aparece enquanto o modelo a escreve e fica guardada para quem abrir o chamado depois.",
    number: "Número do chamado",
    text: "Texto do chamado",
    placeholder: "A impressora do 2º andar puxa várias folhas de uma vez e a luz vermelha pisca.",
    keys: "Ctrl+Enter envia",
    ask: "Pedir resposta",
    example: "Usar um exemplo",
    token: "Token de acesso",
    tokenHint: "O serviço pede um token (JWT). Para experimentar, no servidor: sessions token",
    badNumber: "Um número inteiro a partir de 1.",
    noText: "Escreva o que o cliente relatou.",
    onlyLink: (ticket) =>
      `Este endereço é do chamado ${ticket}, mas não leva o texto. Cole o texto para ver a resposta guardada ou pedir uma.`,
    embed: "Usar em outra página",
  },
  en: {
    title: "Answers for tickets",
    lead: "You see the answer while the model writes it, and it is kept for whoever opens the ticket later.",
    number: "Ticket number",
    text: "Ticket text",
    placeholder: "The printer on floor 2 pulls several sheets at once and its red light blinks.",
    keys: "Ctrl+Enter sends",
    ask: "Get an answer",
    example: "Use an example",
    token: "Access token",
    tokenHint: "The service wants a token (JWT). To try it, on the server: sessions token",
    badNumber: "A whole number from 1 on.",
    noText: "Write what the customer reported.",
    onlyLink: (ticket) =>
      `This address is that of ticket ${ticket}, without its text. Paste the text to see the kept answer or get one.`,
    embed: "Use it in another page",
  },
};
