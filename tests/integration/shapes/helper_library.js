// Twilio's helper library as an application uses it; only its HTTP client sends the request to another host, which is
// what the library lets an application replace (its "custom HTTP client").
const twilio = require(process.env.TWILIO);
const RequestClient = require(`${process.env.TWILIO}/lib/base/RequestClient`);

class ElsewhereClient extends RequestClient {
  request(options) {
    return super.request({ ...options, uri: options.uri.replace('https://api.twilio.com', process.env.ENDPOINT) });
  }
}

const [account, token, ttl] = process.argv.slice(2);
const client = twilio(account, token, { httpClient: new ElsewhereClient() });
client.tokens
  .create(ttl ? { ttl: Number(ttl) } : undefined)
  .then((made) =>
    console.log(
      JSON.stringify({
        ...made.toJSON(),
        dateCreated: made.dateCreated.toISOString(),
      }),
    ),
  )
  .catch(({ status, code, message, moreInfo }) => console.log(JSON.stringify({ status, code, message, moreInfo })));
