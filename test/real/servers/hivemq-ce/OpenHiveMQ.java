import com.hivemq.HiveMQServer;
import com.hivemq.configuration.service.InternalConfigurations;

/** HiveMQ CE that lets everybody in: it would do so by an extension, which no package of Maven's has. */
public final class OpenHiveMQ {
  public static void main(String[] args) throws Exception {
    InternalConfigurations.AUTH_DENY_UNAUTHENTICATED_CONNECTIONS.set(false);
    HiveMQServer.main(args);
  }
}
