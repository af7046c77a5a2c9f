// A scripted service for what the real one seldom says: each connection is handed to a function.
import { WebSocketServer } from "ws";

/** script(say, question, n, ticket): say(frame) sends an object, or a string or Buffer as it is, n counts the questions from 1. */
export async function fakeService(script, { pong = () => true } = {}) {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await new Promise((resolve) => server.once("listening", resolve));
  const fake = {
    server: `ws://127.0.0.1:${server.address().port}`,
    questions: [], // what was asked
    closed: [], // close codes of the clients
    paths: [],
    most: 0, // connections at a time
    async stop() {
      for (const client of server.clients) client.terminate();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  server.on("connection", (socket, request) => {
    fake.paths.push(request.url);
    fake.most = Math.max(fake.most, server.clients.size);
    const say = (frame) => socket.send(typeof frame === "string" || Buffer.isBuffer(frame) ? frame : JSON.stringify(frame));
    say.drop = () => socket.terminate();
    socket.on("close", (code) => fake.closed.push(code));
    socket.on("message", (data) => {
      const message = JSON.parse(data);
      if (message.type === "ping") return pong() && say({ type: "pong" });
      if (message.type === "stop") return say({ type: "error", message: "Stopped.", code: "stopped", retryable: true });
      fake.questions.push(message);
      script(say, message, fake.questions.length, request.url.split("/").at(-1));
    });
  });
  return fake;
}
