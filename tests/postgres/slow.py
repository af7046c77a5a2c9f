# A TCP proxy on 127.0.0.1 that hands everything on later, in order:
# slow.py PORT TO_HOST TO_PORT MILLISECONDS
import asyncio, sys

port, host, to, delay = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4]) / 1000

async def pump(reader, writer):
    loop = asyncio.get_running_loop()
    queue = asyncio.Queue(1024)

    async def write():
        while True:
            when, data = await queue.get()
            await asyncio.sleep(when - loop.time())
            if not data:
                writer.close()
                return
            writer.write(data)
            await writer.drain()

    task = asyncio.create_task(write())
    data = True
    while data:
        try:
            data = await reader.read(65536)
        except OSError:
            data = b""
        await queue.put((loop.time() + delay, data))
    await task

async def accept(reader, writer):
    try:
        there, out = await asyncio.open_connection(host, to)
        await asyncio.gather(pump(reader, out), pump(there, writer), return_exceptions=True)
    except OSError:
        pass
    writer.close()

async def main():
    server = await asyncio.start_server(accept, "127.0.0.1", port)
    await server.serve_forever()

asyncio.run(main())
