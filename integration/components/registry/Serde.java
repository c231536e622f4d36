import io.apicurio.registry.serde.avro.AvroKafkaDeserializer;
import io.apicurio.registry.serde.avro.AvroKafkaSerializer;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.io.DecoderFactory;

/**
 * Apicurio's Avro serialiser and deserialiser for Kafka, on lines of stdin: `read` takes hexadecimal digits of values and prints
 * what they say as JSON; `write SCHEMA` takes JSON and prints hexadecimal digits.
 */
public class Serde {
  public static void main(String[] args) throws Exception {
    String url = args[0], topic = args[1], mode = args[2];
    Map<String, Object> config = new HashMap<>();
    config.put("apicurio.registry.url", url);
    config.put("apicurio.registry.as-confluent", "true");
    config.put("apicurio.registry.use-id", "contentId");
    config.put("apicurio.registry.headers.enabled", "false");
    config.put("apicurio.registry.auto-register", "true");
    config.put("apicurio.registry.artifact-resolver-strategy", "io.apicurio.registry.serde.strategy.TopicIdStrategy");
    boolean isKey = topic.endsWith("-key");
    String name = topic.replaceAll("-(key|value)$", "");
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
    if (mode.equals("read")) {
      AvroKafkaDeserializer<Object> reader = new AvroKafkaDeserializer<>();
      reader.configure(config, isKey);
      for (String line = lines.readLine(); line != null; line = lines.readLine())
        System.out.println(reader.deserialize(name, HexFormat.of().parseHex(line)));
      return;
    }
    Schema schema = new Schema.Parser().parse(args[3]);
    AvroKafkaSerializer<Object> writer = new AvroKafkaSerializer<>();
    writer.configure(config, isKey);
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      Object value = new GenericDatumReader<>(schema).read(null, DecoderFactory.get().jsonDecoder(schema, line));
      System.out.println(HexFormat.of().formatHex(writer.serialize(name, value)));
    }
  }
}
