/** The partner's service: a hot offer, and a switch that makes it fail. */
import express from 'express';
import { HOST } from './address.ts';

const port = Number(process.env.PORT ?? 8710);
let failing = false;
let calls = 0;

const app = express();
app.use(express.json());

app.get('/offer', (_request, response) => {
  calls++;
  if (failing) response.status(503).json({ error: 'the partner is out of order' });
  else response.json({ temperature: 'hot', offer: 'two for one, today only', number: calls });
});

app.get('/switch', (_request, response) => {
  response.json({ failing, calls });
});

app.post('/switch', (request, response) => {
  const requested: unknown = request.body?.failing;
  if (typeof requested !== 'boolean') {
    response.status(400).json({ error: 'failing must be true or false; send {"failing": true} as application/json' });
    return;
  }
  failing = requested;
  console.log(failing ? 'switched: every call fails from now on' : 'switched: all is well again');
  response.json({ failing, calls });
});

app.listen(port, HOST, (error) => {
  if (error) throw error;
  console.log(`listening on http://${HOST}:${port}`);
});
